/** An address without what may let somebody in: user and password, and values of its query, which vendors' keys are. */
export function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, '//***@').replace(/([?&][^=&#]*=)[^&#]*/g, '$1***');
}

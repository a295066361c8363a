// Agents and systems that are newer than the last package of uap-core, or that it gets wrong: rules of our own between its rules.
// With a newer package, those that it has can go; a rule that is no longer there to be dropped or preceded is an error.

export interface NewerRule {
  readonly regex: string;
  /** A template: `Edge Mobile`, or `$1`, which is the default. */
  readonly name?: string;
  /** Templates of the parts of the version; by default group 2, 3 and so on. */
  readonly version?: readonly string[];
}
export interface Change {
  /** The pattern that the rules precede begins so; null: they are the last. */
  readonly before: string | null;
  readonly rules: readonly NewerRule[];
  /** Patterns that begin so are left out. */
  readonly drops?: readonly string[];
}

/** Behind the first number of a version, as far as there are more. */
const more = String.raw`(?:\.(\d+))?(?:\.(\d+))?`;
const three = String.raw`(\d+)\.(\d+)\.(\d+)`;
/** A browser on a telephone says so. */
const phone = 'Mozilla.{1,200}Mobile.{1,100}';

export const newerAgents: readonly Change[] = [
  {
    before: '(FME)',
    drops: [String.raw`\b(Boto3?`],
    rules: [
      {
        regex: String.raw`\b(Boto3?|JetS3t|s3fs|aws-cli|aws-sdk-(?:cpp|go|go-v\d|java|nodejs|ruby2?|dotnet-(?:\d\d?|core)))/(\d+)\.(\d+)(?:\.(\d+))?`,
      },
    ],
  },
  {
    before: String.raw`^.{0,200}?(?:\/[A-Za-z0-9\.]`,
    rules: [{ regex: String.raw`(RecipeRadar)/(\d+)\.(\d+)(?:\.(\d+))?` }],
  },
  {
    before: 'Mozilla.{1,100}Mobile.{1,100}(AspiegelBot',
    drops: ['Mozilla.{1,200}Mobile.{1,100}(Phantom'],
    rules: [{ regex: `${phone}(Phantom/ios|Phantom/android).${three}`, name: 'Phantom' }],
  },
  {
    before: '(Silk)/',
    drops: ['(brave)/'],
    rules: [
      { regex: String.raw`(HuaweiBrowser)/${three}\.\d`, name: 'Huawei Browser' },
      { regex: String.raw`(AVG)/${three}\.\d` },
      { regex: `(AvastSecureBrowser|Avast)/${three}`, name: 'Avast Secure Browser' },
      { regex: String.raw`(Instabridge)/(\d+)${more}` },
      { regex: `(AlohaBrowser)/${three}`, name: 'Aloha Browser' },
      { regex: String.raw`([Bb]rave(?:\sChrome)?)/(\d+)${more}`, name: 'Brave' },
    ],
  },
  {
    before: '(OculusBrowser)/',
    drops: ['(EdgiOS|EdgA)/'],
    rules: [{ regex: String.raw`(EdgiOS|EdgA)/(\d+)${more}`, name: 'Edge Mobile' }],
  },
  {
    before: '(Tenta/)',
    drops: ['Mobile.{0,200}(DuckDuckGo)/'],
    rules: [
      { regex: String.raw`${phone}(DuckDuckGo)/(\d+)`, name: 'DuckDuckGo Mobile' },
      { regex: String.raw`Mozilla.{1,200}(DuckDuckGo)/(\d+)` },
      { regex: String.raw`${phone}(Ddg)/(\d+)(?:\.(\d+))?`, name: 'DuckDuckGo Mobile' },
      { regex: String.raw`Mozilla.{1,200}(Ddg)/(\d+)(?:\.(\d+))?`, name: 'DuckDuckGo' },
    ],
  },
  {
    before: 'Version/.{1,300}(Chrome)/',
    rules: [
      { regex: String.raw`(Ecosia) ios@(\d+)${more}`, name: 'Ecosia iOS' },
      { regex: String.raw`(Ecosia) android@(\d+)${more}`, name: 'Ecosia Android' },
      { regex: String.raw`(VivoBrowser)/${three}\.\d` },
      { regex: String.raw`(HiBrowser)/v${three}\.\d` },
    ],
  },
  {
    before: String.raw`(Chrome)/(\d+)\.(\d+)\.(\d+)\.(\d+) Mobile`,
    drops: ['(CriOS)/'],
    rules: [{ regex: String.raw`(CriOS)/(\d+)${more}`, name: 'Chrome Mobile iOS' }],
  },
  {
    before: String.raw`(Chrome)/(\d+)\.(\d+)\.(\d+).{0,100} MRCHROME`,
    rules: [{ regex: `(YaSearchBrowser)/${three}`, name: 'Yandex Browser' }],
  },
  { before: '(Edge?)/', drops: ['(Vivaldi)/'], rules: [{ regex: String.raw`(Vivaldi)/(\d+)${more}` }] },
  {
    before: null,
    rules: [{ regex: String.raw`(Ladybird)/(\d+)\.(\d+)` }, { regex: String.raw`(MullvadBrowser)/(\d+)${more}` }],
  },
];

/** Applications on iOS name the version of its kernel. */
function ofKernel(kernel: number, ios: number): NewerRule[] {
  return [
    {
      regex: String.raw`CFNetwork/.{0,100} Darwin/${kernel}\.([0-5])\.\d`,
      name: 'iOS',
      version: [String(ios), '$1'],
    },
    { regex: String.raw`CFNetwork/.{0,100} Darwin/(${kernel})\.\d`, name: 'iOS', version: [String(ios)] },
  ];
}

const crKey = String.raw`(CrKey)(?:/(\d+)\.(\d+)(?:\.(\d+))?)?`;

export const newerSystems: readonly Change[] = [
  {
    before: String.raw`(Android)[ \-/]`,
    drops: ['(CrKey)'],
    rules: [
      { regex: String.raw`(Android) (\d+)\.(\d+).*CrKey`, name: 'Chromecast Android' },
      { regex: `Fuchsia.*${crKey}`, name: 'Chromecast Fuchsia' },
      { regex: `Linux.*${crKey}.*DeviceType/SmartSpeaker`, name: 'Chromecast SmartSpeaker' },
      { regex: `Linux.*${crKey}`, name: 'Chromecast Linux' },
    ],
  },
  {
    before: '((?:Mac[ +]?|; )OS[ +]X)',
    rules: [{ regex: String.raw`Intel Mac OS X.+(CriOS|EdgiOS)/\d`, name: 'iOS' }],
  },
  { before: String.raw`(Apple\s?TV)(?:/`, rules: [{ regex: 'darwin; arm64', name: 'Mac OS X' }] },
  {
    before: String.raw`CFNetwork/.{0,100} Darwin/(22)\.`,
    drops: [0, 1, 2, 3, 4].map((minor) => String.raw`CFNetwork/.{0,100} Darwin/22\.${minor}\.`),
    rules: ofKernel(22, 16).slice(0, 1),
  },
  { before: 'CFNetwork/.{0,100} Darwin/', rules: [...ofKernel(23, 17), ...ofKernel(24, 18)] },
];

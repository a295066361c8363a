/** Most 64 KiB pages that the kernel's memory may have: all of a 32-bit address space. */
export const kernelPages = 65_536;

import { buildConsole } from './console.ts'

/** For programs that can't import it, such as the making of the image: builds the console, and prints where it is. */
console.log(await buildConsole(line => console.error(line)))

import { type BinaryToTextEncoding, createHmac } from 'node:crypto'

/** As `k6/crypto`. */
export default {
  hmac: (
    algorithm: string,
    key: string | ArrayBuffer,
    text: string | ArrayBuffer,
    output: BinaryToTextEncoding,
  ): string =>
    createHmac(algorithm, typeof key === 'string' ? key : Buffer.from(key))
      .update(typeof text === 'string' ? text : Buffer.from(text))
      .digest(output),
}

/** As `k6/encoding`. */
export default {
  b64decode(text: string): ArrayBuffer {
    const bytes = Buffer.from(text, 'base64')
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  },
}

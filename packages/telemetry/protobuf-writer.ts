const firstBytes = 4_096
/** Lengths below take one byte, two bytes. */
const [oneByte, twoBytes] = [0x80, 0x4000]

/**
 * Appends fields of protobuf messages to a buffer that grows (https://protobuf.dev/programming-guides/encoding/). Of the encoding it has
 * what spans need. Writes are plain loops over bytes: texts and ids are short, and a call into Node for each takes longer.
 */
export class ProtobufWriter {
  #bytes = Buffer.allocUnsafeSlow(firstBytes)
  #at = 0

  /**
   * Begins a field whose length is told later: what is written until `end` is its content.
   *
   * @param reserved bytes kept free for the length
   * @returns what `end` is given
   */
  begin(tag: number, reserved: number): number {
    this.#tag(tag, reserved)
    this.#at += reserved
    return this.#at
  }

  end(start: number, reserved: number): void {
    const length = this.#at - start
    const needed = length < oneByte ? 1 : length < twoBytes ? 2 : lengthOfVarint(length)
    if (needed !== reserved) {
      this.#room(needed)
      this.#bytes.copyWithin(start - reserved + needed, start, this.#at)
    }
    this.#at = start - reserved
    this.#varint(length)
    this.#at += length
  }

  text(tag: number, text: string): void {
    // No character takes more than three bytes for each of its UTF-16 units.
    this.#tag(tag, 3 * text.length + 10)
    this.#varint(Buffer.byteLength(text))
    this.#at += this.#bytes.write(text, this.#at)
  }

  /** A message of two fields: one that was written before, and a message that holds a text. */
  pair(tag: number, first: Uint8Array, second: number, textTag: number, text: string): void {
    if (this.#shortPair(tag, first, second, textTag, text)) return
    const outer = this.begin(tag, 1)
    this.raw(first)
    const inner = this.begin(second, 1)
    this.text(textTag, text)
    this.end(inner, 1)
    this.end(outer, 1)
  }

  /** @param digits hexadecimal, of an even number, 254 at most */
  hex(tag: number, digits: string): void {
    const length = digits.length / 2
    this.#tag(tag, length)
    const into = this.#bytes
    let to = this.#at
    into[to++] = length
    for (let i = 0; i < digits.length; i += 2)
      into[to++] = (digitOf[digits.charCodeAt(i)]! << 4) | digitOf[digits.charCodeAt(i + 1)]!
    this.#at = to
  }

  /** @param value an integer; negative ones take ten bytes, as protobuf's int64 does */
  integer(tag: number, value: number): void {
    this.#tag(tag, 10)
    if (value >= 0) this.#varint(value)
    else this.#at = putNegative(this.#bytes, this.#at, value)
  }

  double(tag: number, value: number): void {
    this.#tag(tag, 8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  fixed32(tag: number, value: number): void {
    this.#tag(tag, 4)
    this.#at = this.#bytes.writeUInt32LE(value, this.#at)
  }

  /** Unix nanoseconds, eight bytes. @param ms Unix milliseconds, with fractions */
  nanoseconds(tag: number, ms: number): void {
    this.#tag(tag, 8)
    this.#at = putNanoseconds(this.#bytes, this.#at, ms)
  }

  /** Fields that were written before. */
  raw(written: Uint8Array): void {
    this.#room(written.length)
    for (let i = 0; i < written.length; i++) this.#bytes[this.#at++] = written[i]!
  }

  /** What was written. The writer begins anew, with a buffer of its own. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#at)
    // The next one is about as long.
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(firstBytes, this.#at))
    this.#at = 0
    return taken
  }

  #room(more: number): void {
    if (this.#at + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + more))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }

  /** Makes room for what follows, too. */
  #tag(tag: number, more: number): void {
    this.#room(more + 10)
    if (tag < oneByte) this.#bytes[this.#at++] = tag
    else this.#varint(tag)
  }

  /** There is room for it. */
  #varint(value: number): void {
    let rest = value
    for (; rest >= oneByte; rest = Math.floor(rest / oneByte))
      this.#bytes[this.#at++] = (rest % oneByte) | 0x80
    this.#bytes[this.#at++] = rest
  }

  /** Whether it was short and of ASCII alone, as nearly all are: then each length was known before. */
  #shortPair(tag: number, first: Uint8Array, second: number, textTag: number, text: string): boolean {
    const { length } = text
    const whole = first.length + length + 4
    if (whole >= oneByte) return false
    this.#room(whole + 2)
    const into = this.#bytes
    let to = this.#at
    into[to++] = tag
    into[to++] = whole
    for (let i = 0; i < first.length; i++) into[to++] = first[i]!
    into[to++] = second
    into[to++] = length + 2
    into[to++] = textTag
    into[to++] = length
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80) return false
      into[to++] = code
    }
    this.#at = to
    return true
  }
}

/** Character code → the value of the hexadecimal digit. */
const digitOf = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase())),
)

function lengthOfVarint(value: number): number {
  let length = 1
  for (let rest = value; rest >= oneByte; rest = Math.floor(rest / oneByte)) length++
  return length
}

function putNegative(bytes: Buffer, at: number, value: number): number {
  let rest = BigInt.asUintN(64, BigInt(value))
  let end = at
  for (; rest >= 0x80n; rest >>= 7n) bytes[end++] = Number(rest & 0x7fn) | 0x80
  bytes[end++] = Number(rest)
  return end
}

/** Little-endian, in two halves: the whole is more than a number holds exactly, and a BigInt takes longer. */
function putNanoseconds(bytes: Buffer, at: number, ms: number): number {
  const seconds = Math.floor(ms / 1000)
  const rest = Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))
  const upper = Math.floor(seconds / 0x1_0000) * 1e9
  const low = (upper % 0x1_0000) * 0x1_0000 + (seconds % 0x1_0000) * 1e9 + rest
  const high = Math.floor(upper / 0x1_0000) + Math.floor(low / 0x1_0000_0000)
  bytes.writeUInt32LE(low % 0x1_0000_0000, at)
  return bytes.writeUInt32LE(high, at + 4)
}

/*
 * Bodies that a stranger may post, each of any size. They look for work that grows faster than its bytes, in parsers of
 * forms, JSON, multipart, base64 and XML alike.
 */

export interface HostileBody {
  readonly title: string
  readonly make: (bytes: number) => Buffer
}

const repeated = (title: string, piece: string, before = '', after = ''): HostileBody => ({
  title,
  make: bytes => Buffer.from(before + piece.repeat(Math.ceil(bytes / piece.length)).slice(0, bytes) + after),
})

/** Members or fields that all differ, counted up. */
const counted = (
  title: string,
  piece: (count: number) => string,
  between: string,
  before = '',
  after = '',
): HostileBody => ({
  title,
  make: bytes => {
    const pieces = []
    for (let size = 0, count = 0; size < bytes; count++) {
      const text = piece(count)
      pieces.push(text)
      size += text.length + between.length
    }
    return Buffer.from(before + pieces.join(between) + after)
  },
})

export const hostileBodies: readonly HostileBody[] = [
  repeated('names without a value', 'a&'),
  repeated('empty names', '=&'),
  repeated('ampersands', '&'),
  repeated('percent signs', '%', 'a='),
  repeated('escapes that aren’t UTF-8', '%ff', 'a='),
  repeated('escapes that aren’t UTF-8 in many fields', '%ff&'),
  repeated('plus signs', '+', 'a='),
  repeated('one name many times', 'a=b&'),
  counted('many fields', count => `a${count}=${count}`, '&'),
  repeated('Braintree’s signatures', 'a|b%26', 'bt_payload=YQ%3D%3D&bt_signature='),
  repeated('Braintree’s payload of newlines', '%0A', 'bt_signature=pubkey1%7Cab&bt_payload='),
  repeated('open brackets', '['),
  repeated('open braces with names', '{"a":'),
  repeated('brackets inside a member', '[', '{"notificationItems":'),
  repeated('empty lists', '[],', '{"value":[', '[]]}'),
  repeated('empty objects', '{},', '{"value":[', '{}]}'),
  repeated('zeros', '0,', '{"notificationItems":[', '0]}'),
  repeated('one member many times', '"a":1,', '{', '"b":1}'),
  counted('many members', count => `"a${count}":${count}`, ',', '{', '}'),
  counted('objects that all differ', count => `{"a${count}":${count}}`, ',', '{"value":[', ']}'),
  repeated('digits', '9', '{"timestamp":', '}'),
  repeated('quotes', '"'),
  repeated('backslashes', '\\', '{"'),
  repeated('unicode escapes', '\\u0061', '{"type":"', '"}'),
  repeated('blanks', ' '),
  repeated('blanks before a colon', ' ', '{"id"', ':1}'),
  repeated('newlines', '\r\n'),
  repeated('NULs', '\0'),
  repeated('multipart boundaries', '--boundary\r\n'),
  repeated('multipart parts', '--boundary\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'),
  repeated('dashes', '-', '--boundary'),
  repeated('base64', 'QUFB', '{"signature":"', '"}'),
  repeated('padding', '=', '{"signature":"', 'a"}'),
  repeated('open tags', '<a>'),
  repeated('kinds that never end', '<kind>'),
  { title: 'bytes that are no UTF-8', make: bytes => Buffer.alloc(bytes, 0xff) },
]

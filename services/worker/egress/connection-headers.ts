/**
 * Headers that belong to one connection, or that each sender makes anew (RFC 9110, 7.6.1 and 8.6), by lower-case name.
 * They are neither forwarded from a received request nor taken from a destination's settings.
 */
export const connectionHeaders: readonly string[] = [
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

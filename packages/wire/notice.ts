/** The types of notices, which Fairlead sends to a destination of the organization itself: a closed list, which the API documents. */
export const noticeTypes = [
  'destination.failing',
  'destination.recovered',
  'destination.paused',
  'source.silent',
  'quota.near',
  'issue.opened',
  'issue.regressed',
  'issue.resolved',
  'key.expiring',
] as const
export type NoticeType = (typeof noticeTypes)[number]

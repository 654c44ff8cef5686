import type { IdentityRule } from '../verify/identity-rule.ts'

/**
 * What stands in an entry of Messenger or Instagram, by the field that a page subscribes to for it; a `changes` entry
 * names that field itself. See https://developers.facebook.com/docs/messenger-platform/reference/webhook-events
 */
const messagingFields: readonly (readonly [field: string, place: string])[] = [
  ['messages', 'messaging.*.message.mid'],
  ['message_echoes', 'messaging.*.message.is_echo'],
  ['message_deliveries', 'messaging.*.delivery.watermark'],
  ['message_reads', 'messaging.*.read.watermark'],
  ['messaging_seen', 'messaging.*.read.mid'],
  ['message_edits', 'messaging.*.message_edit.mid'],
  ['message_reactions', 'messaging.*.reaction.mid'],
  ['messaging_postbacks', 'messaging.*.postback.title'],
  ['messaging_postbacks', 'messaging.*.postback.payload'],
  ['messaging_optins', 'messaging.*.optin.type'],
  ['messaging_optins', 'messaging.*.optin.ref'],
  ['messaging_referrals', 'messaging.*.referral.source'],
  ['messaging_account_linking', 'messaging.*.account_linking.status'],
  ['messaging_handovers', 'messaging.*.pass_thread_control.new_owner_app_id'],
  ['messaging_handovers', 'messaging.*.take_thread_control.previous_owner_app_id'],
  ['messaging_handovers', 'messaging.*.request_thread_control.requested_owner_app_id'],
  ['standby', 'standby.*.sender.id'],
]

/** A type for each kind of thing in a request's `messaging` and `standby`, as `page.messages`. */
export const messagingTypes = messagingFields.map(
  ([as, place]): IdentityRule => ({
    join: [{ member: 'object' }, { member: `entry.*.${place}`, as }],
    by: '.',
  }),
)

import type { OptionDefinition, Provider } from './provider.ts'

const acceptUnsigned: OptionDefinition = {
  name: 'acceptUnsigned',
  required: true,
  text: 'true: accept whatever is posted; only the URL is a secret then',
}

/** Providers that sign nothing: accepted by an explicit choice only. */
export const unsignedRows: readonly Provider[] = [
  {
    name: 'mollie',
    title: 'Mollie (classic)',
    documentation: 'https://docs.mollie.com/reference/webhooks',
    copy: { what: 'nothing', where: 'the URL goes into webhookUrl of each payment' },
    options: [acceptUnsigned],
    scheme: { kind: 'unsigned' },
    identity: {
      names: 'object',
      repeats: 'none',
      apart: 'nothing: the request holds the id of a payment, for each of its states',
      kept: 'the id',
      source: 'https://docs.mollie.com/reference/webhooks',
    },
    answer: { text: '200', timeoutSeconds: 15 },
    retries: '10 tries over 26 hours',
    notes: ['The body holds an id only: fetch the object from Mollie’s API, which is the check.'],
    sample: { contentType: 'application/x-www-form-urlencoded', body: 'id=tr_d0b0E3EA3v' },
    provenance: {
      scheme: 'read',
      by: 'Mollie’s documentation, in excerpts',
      fromMemory: ['answer', 'retries'],
    },
  },
  {
    name: 'docker-hub',
    title: 'Docker Hub',
    documentation: 'https://docs.docker.com/docker-hub/repos/manage/webhooks/',
    copy: { what: 'nothing', where: 'the URL goes into Repository → Webhooks' },
    options: [acceptUnsigned],
    scheme: { kind: 'unsigned' },
    identity: {
      names: 'nothing',
      repeats: 'body',
      type: [{ member: 'push_data.tag' }],
      apart: 'pushed_at (s) and the tag',
      kept: 'the body',
      source: 'https://docs.docker.com/docker-hub/repos/manage/webhooks/',
    },
    answer: { text: '2xx' },
    retries: 'none known',
    notes: ['Use an URL that can’t be guessed.'],
    sample: {
      body: '{"push_data":{"pushed_at":{nowSeconds},"pusher":"ada","tag":"latest"},"repository":{"name":"example","namespace":"acme","repo_name":"acme/example","status":"Active"}}',
    },
    provenance: { scheme: 'read', by: 'Docker’s documentation' },
  },
]

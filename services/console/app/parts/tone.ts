/** How a state looks; see badge.tsx. */
export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'plain'

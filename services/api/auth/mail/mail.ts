/** A mail as it is handed over: text alone, which is what every reader shows. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Hands mails over. Rejects when the server didn't take one. */
export interface Mailer extends Disposable {
  send(mail: Mail): Promise<void>
}

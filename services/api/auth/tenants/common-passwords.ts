/**
 * Passwords that were common in breaches, in lower case: 49,000 of them, as the package has them, whose license is MIT. Read when
 * somebody needs them, since they take some megabytes.
 */
export async function loadCommonPasswords(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'].map(password => password.toLowerCase()))
}

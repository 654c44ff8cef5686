import { besiege } from './besiege.ts'

besiege(2)

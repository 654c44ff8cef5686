import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { mayHelpToRepeat } from './call.ts'
import { router } from './router.tsx'
import { applyTheme } from './theme.tsx'
import './style/base.css'
import './style/shell.css'
import './style/controls.css'
import './style/notes.css'
import './style/tables.css'
import './style/bodies.css'
import './style/figures.css'
import './style/floating.css'
import './style/settings.css'
import './style/billing.css'

applyTheme()

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < 2 && mayHelpToRepeat(error),
      refetchOnWindowFocus: false,
      staleTime: 2_000,
    },
  },
})

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
)

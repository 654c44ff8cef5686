module fairlead.dev/testbed/pause

go 1.24

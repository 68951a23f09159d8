// Package mcp speaks the Model Context Protocol: a user's active integrations are tools of an agent.
//
// No session outlives its request, so any host of a cluster can answer the next one. tool.go says which tools there are and name.go what they are
// called; call.go runs one, through dispatch like every other call; meta.go holds the few tools that stand for all the others.
package mcp

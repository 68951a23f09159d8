// Package agent is the first process of every sandbox. It starts all commands, so that they are its own children and survive what happens
// to whoever asked for them; it reaps, keeps their output in files of the sandbox's disk, and ends those whose time is over. A client is
// the same program, started inside the sandbox, which hands its standard streams on to the agent's socket.
//
// On the socket each side sends frames: four bytes of length, and JSON. What comes first is a [sandbox.Open].
package agent

// Package consent owns what users let programs do with their accounts by OAuth 2.1: the host is an authorisation server for its own MCP surface.
//
// client.go says who a program is, service.go what a user agreed to and what it gets for that. Clients are public: PKCE proves that the one that
// redeems a code is the one that asked. A grant is a token of the identity room, whose secret changes with each refresh.
package consent

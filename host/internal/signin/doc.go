// Package signin owns signing in at an OpenID provider: the way there and back (authorization code with PKCE, bound to one browser), the
// proof of who came back, and whom the operator lets in. Who that is among the host's users is the room identity's.
package signin

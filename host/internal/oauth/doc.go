// Package oauth speaks OAuth 2.0 (RFC 6749) to providers that differ in their details, and keeps one promise about them: two refreshes of
// one grant are never in flight, however many callers wait on however many hosts.
//
// provider.go is what a provider is, as data. authorize.go, token.go, device.go and revoke.go are the requests, answer.go reads what comes
// back, failure.go says what a refusal means for the grant. refresher.go is the policy of refreshing: who may send, when, and what becomes
// of the answer; flight.go puts the callers of this process behind one of them. The room knows no record and no database: the grant and its
// lease are interfaces.
package oauth

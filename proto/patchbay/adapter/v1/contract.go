package adapterv1

// What both sides of the contract agree on beside the messages.
const (
	// ProtocolVersion is the major version, negotiated by go-plugin. A new major is a new proto package.
	ProtocolVersion = 1
	// ProtocolMinor grows with each addition to the messages of this major version.
	ProtocolMinor = 3

	// MagicCookieKey and MagicCookieValue are go-plugin's greeting: they tell a person who starts an adapter by hand what it is.
	// They are no secret and protect nothing.
	MagicCookieKey   = "PATCHBAY_ADAPTER"
	MagicCookieValue = "connect-once"

	// PluginName is the one name in go-plugin's plugin set.
	PluginName = "adapter"

	// EgressFDVariable is the environment variable with the number of the inherited SEQPACKET socket (see egress.proto).
	// Unset means that the host does not confine the adapter, which then dials by itself.
	EgressFDVariable = "PATCHBAY_EGRESS_FD"

	// MaxMessageBytes bounds every gRPC message, both ways.
	MaxMessageBytes = 16 << 20
	// MaxInlineFileBytes bounds the files of one ExecuteRequest or ExecuteResponse together.
	MaxInlineFileBytes = 4 << 20
	// MaxChunkBytes bounds the data of one FileChunk.
	MaxChunkBytes = 256 << 10
	// MaxDialMessageBytes bounds one message of the egress socket.
	MaxDialMessageBytes = 4 << 10
)

// Capabilities that the two sides tell each other in Describe. Unknown names are ignored.
const (
	// CapabilityStream (adapter): ExecuteStream is served.
	CapabilityStream = "stream"
	// CapabilityMount (adapter): MountService is served. Such an adapter may declare no platform of its own.
	CapabilityMount = "mount"
	// CapabilitySandboxes (adapter): SandboxService is served.
	CapabilitySandboxes = "sandboxes"
	// CapabilityEgress (host): connections are handed over on the egress socket.
	CapabilityEgress = "egress"
)

package sdktest

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

// asError reads a failure off the wire. A status without its details is an error of its own: the kind is 0.
func asError(err error) error {
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	e := &sdk.Error{Message: st.Message()}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *adapterv1.Failure:
			e.Kind, e.MissingScopes, e.NotSent = sdk.Kind(d.GetKind()), d.GetMissingScopes(), d.GetNotSent()
			e.PlatformCode, e.PlatformStatus, e.PlatformRequestID = d.GetPlatformCode(), int(d.GetPlatformStatus()), d.GetPlatformRequestId()
		case *errdetails.RetryInfo:
			e.RetryAfter = d.GetRetryDelay().AsDuration()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				e.Violations = append(e.Violations, sdk.Violation{Pointer: v.GetField(), Detail: v.GetDescription()})
			}
		}
	}
	return e
}

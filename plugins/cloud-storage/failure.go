package main

import (
	"encoding/xml"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// kinds are the codes of S3 that mean something else than their status says.
var kinds = map[string]sdk.Kind{
	"InvalidAccessKeyId": sdk.AuthRevoked, "SignatureDoesNotMatch": sdk.AuthRevoked, "ExpiredToken": sdk.AuthRevoked, "InvalidToken": sdk.AuthRevoked, "TokenRefreshRequired": sdk.AuthRevoked,
	"SlowDown": sdk.RateLimited, "RequestLimitExceeded": sdk.RateLimited, "ThrottlingException": sdk.RateLimited, "TooManyRequests": sdk.RateLimited,
	"InvalidObjectState": sdk.Conflict, "BucketAlreadyExists": sdk.Conflict, "BucketAlreadyOwnedByYou": sdk.Conflict, "BucketNotEmpty": sdk.Conflict, "OperationAborted": sdk.Conflict,
	"NoSuchBucket": sdk.NotFound, "NoSuchKey": sdk.NotFound, "NoSuchUpload": sdk.NotFound, "NoSuchVersion": sdk.NotFound,
	"InternalError": sdk.PlatformError, "ServiceUnavailable": sdk.PlatformUnavailable, "RequestTimeout": sdk.PlatformUnavailable,
	"AuthorizationHeaderMalformed": sdk.InvalidInput, "PermanentRedirect": sdk.InvalidInput,
	"XMinioServerNotInitialized": sdk.PlatformUnavailable,
}

// advice is what to do, where S3's own words do not say.
var advice = map[string]string{
	"InvalidAccessKeyId":           "The storage does not know the access key. Update the integration.",
	"SignatureDoesNotMatch":        "The secret access key does not belong to the access key id. Update the integration.",
	"RequestTimeTooSkewed":         "The clock of this host is wrong by more than 15 minutes: an operator has to set it.",
	"AuthorizationHeaderMalformed": "The bucket is in another region than the integration says.",
	"PermanentRedirect":            "The bucket is in another region than the integration says.",
}

// explain reads S3's error document: <Error><Code/><Message/><RequestId/></Error>. Nil means that there is none.
func explain(status int, header http.Header, body []byte) *sdk.Error {
	var f struct {
		XMLName   xml.Name
		Code      string `xml:"Code"`
		Message   string `xml:"Message"`
		RequestID string `xml:"RequestId"`
	}
	if xml.Unmarshal(body, &f) != nil || f.XMLName.Local != "Error" || f.Code == "" {
		return nil
	}
	kind, known := kinds[f.Code]
	if !known && status < http.StatusBadRequest {
		kind = sdk.PlatformError
	} else if !known {
		kind = sdk.KindOfStatus(status, sdk.MethodCustom)
	}
	e := &sdk.Error{Kind: kind, PlatformCode: sdk.Said(f.Code), PlatformStatus: status, PlatformRequestID: sdk.Said(f.RequestID)}
	e.Message = "The storage refused with " + e.PlatformCode + ": " + sdk.Said(f.Message)
	if text, ok := advice[f.Code]; ok {
		e.Message = text
	}
	if kind == sdk.RateLimited {
		e.RetryAfter = sdk.RetryAfter(header, time.Now())
	}
	if status < http.StatusBadRequest {
		e.PlatformStatus = 0 // that of a success says nothing of a failure
	}
	return e
}

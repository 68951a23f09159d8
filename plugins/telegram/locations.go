package main

import "github.com/patchbay/patchbay/sdk"

// place is a part of the inputs of what is on a map.
type place struct {
	Latitude  float64 `json:"latitude" minimum:"-90" maximum:"90"`
	Longitude float64 `json:"longitude" minimum:"-180" maximum:"180"`
}

// moving is a part of the inputs of a place that changes.
type moving struct {
	HorizontalAccuracy   float64 `json:"horizontal_accuracy,omitempty" minimum:"0" maximum:"1500" jsonschema:"meters"`
	LivePeriod           int64   `json:"live_period,omitempty" minimum:"60" maximum:"2147483647" jsonschema:"seconds for which it may be updated, up to 86400; 2147483647 for ever"`
	Heading              int     `json:"heading,omitempty" minimum:"1" maximum:"360" jsonschema:"degrees"`
	ProximityAlertRadius int     `json:"proximity_alert_radius,omitempty" minimum:"1" maximum:"100000" jsonschema:"meters"`
}

type location struct {
	chat
	place
	moving
	delivery
	keyboard
}

type venue struct {
	chat
	place
	Title         string `json:"title" minLength:"1"`
	Address       string `json:"address" minLength:"1"`
	FoursquareID  string `json:"foursquare_id,omitempty"`
	GooglePlaceID string `json:"google_place_id,omitempty"`
	delivery
	keyboard
}

func locationOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "send_location", Effect: sdk.Write, Run: asks[location]("sendLocation"), Description: "Sends a point on the map, one that moves where live_period is given (see edit_message_live_location)."},
		{Name: "send_venue", Effect: sdk.Write, Run: asks[venue]("sendVenue"), Description: "Sends a place with its name and address."},
	}
}

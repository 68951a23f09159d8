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

type contact struct {
	chat
	PhoneNumber string `json:"phone_number" minLength:"1"`
	FirstName   string `json:"first_name" minLength:"1"`
	LastName    string `json:"last_name,omitempty"`
	VCard       string `json:"vcard,omitempty" maxLength:"2048"`
	delivery
	keyboard
}

type poll struct {
	chat
	Question              string       `json:"question" minLength:"1" maxLength:"300"`
	Options               []sdk.Object `json:"options" minItems:"1" maxItems:"12" jsonschema:"each {text} of up to 100 characters"`
	IsAnonymous           *bool        `json:"is_anonymous,omitempty" jsonschema:"true when left out"`
	Type                  string       `json:"type,omitempty" enum:"regular,quiz"`
	AllowsMultipleAnswers *bool        `json:"allows_multiple_answers,omitempty"`
	CorrectOptionIDs      []int        `json:"correct_option_ids,omitempty" jsonschema:"places of the right answers of a quiz, from 0"`
	Explanation           string       `json:"explanation,omitempty" maxLength:"200" jsonschema:"shown to who answers a quiz wrongly"`
	OpenPeriod            int          `json:"open_period,omitempty" minimum:"5" jsonschema:"seconds until it closes; this or close_date"`
	CloseDate             int64        `json:"close_date,omitempty" jsonschema:"Unix time at which it closes"`
	delivery
	keyboard
}

type dice struct {
	chat
	Emoji string `json:"emoji,omitempty" jsonschema:"🎲 when left out; 🎯 🏀 ⚽ 🎳 🎰"`
	delivery
	keyboard
}

func otherOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "send_location", Effect: sdk.Write, Run: asks[location]("sendLocation"), Description: "Sends a point on the map, one that moves where live_period is given (see edit_message_live_location)."},
		{Name: "send_venue", Effect: sdk.Write, Run: asks[venue]("sendVenue"), Description: "Sends a place with its name and address."},
		{Name: "send_contact", Effect: sdk.Write, Run: asks[contact]("sendContact"), Description: "Sends a phone contact."},
		{Name: "send_poll", Effect: sdk.Write, Run: asks[poll]("sendPoll"), Description: "Sends a poll or a quiz. Refuses a quiz without correct_option_ids; polls that are not anonymous cannot go to channels."},
		{Name: "send_dice", Effect: sdk.Write, Run: asks[dice]("sendDice"), Description: "Sends an emoji that shows a random value, which the answer tells."},
	}
}

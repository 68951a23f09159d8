package main

import "github.com/patchbay/patchbay/sdk"

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

func pollOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "send_contact", Effect: sdk.Write, Run: asks[contact]("sendContact"), Description: "Sends a phone contact."},
		{Name: "send_poll", Effect: sdk.Write, Run: asks[poll]("sendPoll"), Description: "Sends a poll or a quiz. Refuses a quiz without correct_option_ids; polls that are not anonymous cannot go to channels."},
		{Name: "send_dice", Effect: sdk.Write, Run: asks[dice]("sendDice"), Description: "Sends an emoji that shows a random value, which the answer tells."},
	}
}

package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/patchbay/patchbay/sdk"
)

// isoMinutes writes a duration as ISO 8601 has it.
func isoMinutes(n int) string { return fmt.Sprintf("PT%dM", n) }

func contactOperations() []sdk.Operation {
	contacts := []string{"Contacts.ReadWrite"}
	const contact = "/me/contacts/{contact_id}"
	return []sdk.Operation{
		{Name: "list_contacts", Effect: sdk.Read, Scopes: contacts, Run: sdk.Func(listContacts), Description: "Lists the account's contacts by name, in pages, or finds those with words in their name or address."},
		{Name: "get_contact", Effect: sdk.Read, Scopes: contacts, Run: sdk.Send[contactInput, object](endpoint("", contact)), Description: "Answers one contact."},
		{Name: "create_contact", Effect: sdk.Write, Scopes: contacts, Run: sdk.Func(createContact), Description: "Makes a contact. One for the same person may exist already: look first."},
		{Name: "update_contact", Effect: sdk.Idempotent, Scopes: contacts, Run: sdk.Func(updateContact), Description: "Changes what is given of a contact; lists replace those that it has."},
		{Name: "delete_contact", Effect: sdk.Idempotent, Scopes: contacts, Run: sdk.Send[contactInput, sdk.None](endpoint(http.MethodDelete, contact)), Description: "Deletes a contact."},
	}
}

type contactInput struct {
	ContactID string `json:"contact_id" minLength:"1"`
}

type listContactsInput struct {
	Query string `json:"query,omitempty" maxLength:"200"`
	paged
}

func listContacts(ctx context.Context, call *sdk.Call, in listContactsInput) (page, error) {
	const fields = "id,displayName,givenName,surname,emailAddresses,mobilePhone,businessPhones,homePhones,companyName,jobTitle,birthday,categories"
	if in.Query != "" {
		return in.list(ctx, call, "/me/contacts", nil, "$select", fields, "$search", searched(in.Query))
	}
	return in.list(ctx, call, "/me/contacts", nil, "$select", fields, "$orderby", "displayName")
}

type contactBody struct {
	GivenName      string   `json:"given_name,omitempty" maxLength:"200"`
	Surname        string   `json:"surname,omitempty" maxLength:"200"`
	DisplayName    string   `json:"display_name,omitempty" maxLength:"255"`
	Emails         []string `json:"emails,omitempty" maxItems:"3"`
	MobilePhone    string   `json:"mobile_phone,omitempty" maxLength:"50"`
	BusinessPhones []string `json:"business_phones,omitempty" maxItems:"2"`
	CompanyName    string   `json:"company_name,omitempty" maxLength:"200"`
	JobTitle       string   `json:"job_title,omitempty" maxLength:"200"`
	Notes          string   `json:"notes,omitempty" maxLength:"30000"`
}

// contact writes what is given as Graph has it.
func (in contactBody) contact() (map[string]any, error) {
	c := map[string]any{}
	for name, value := range map[string]string{"givenName": in.GivenName, "surname": in.Surname, "displayName": in.DisplayName, "mobilePhone": in.MobilePhone,
		"companyName": in.CompanyName, "jobTitle": in.JobTitle, "personalNotes": in.Notes} {
		if value != "" {
			c[name] = value
		}
	}
	if in.BusinessPhones != nil {
		c["businessPhones"] = in.BusinessPhones
	}
	people, err := recipients("/emails", in.Emails)
	if err != nil {
		return nil, err
	}
	var addresses []any
	for _, one := range people {
		addresses = append(addresses, one.(map[string]any)["emailAddress"])
	}
	if addresses != nil {
		c["emailAddresses"] = addresses
	}
	if len(c) == 0 {
		return nil, sdk.Invalid("/given_name", "give at least one property of the contact")
	}
	return c, nil
}

func createContact(ctx context.Context, call *sdk.Call, in contactBody) (object, error) {
	c, err := in.contact()
	if err != nil {
		return nil, err
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Path: "/me/contacts", JSON: c}, &out)
}

type updateContactInput struct {
	contactInput
	contactBody
}

func updateContact(ctx context.Context, call *sdk.Call, in updateContactInput) (object, error) {
	c, err := in.contact()
	if err != nil {
		return nil, err
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Method: http.MethodPatch, Path: sdk.Path("/me/contacts/%s", in.ContactID), JSON: c}, &out)
}

package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/patchbay/patchbay/sdk/client"
)

func Example() {
	c, err := client.New(client.Config{URL: os.Getenv("PATCHBAY_URL"), Token: os.Getenv("PATCHBAY_TOKEN")})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for account, err := range c.Integrations(ctx, "slack", "active") {
		if err != nil {
			fmt.Println(err)
			return
		}
		answer, err := c.Call(ctx, client.Call{Integration: account.ID, Operation: "send_message",
			Input: map[string]any{"channel": "C0123", "text": "The build is green."}, IdempotencyKey: "build-4711"})
		var refused *client.Error
		switch {
		case errors.As(err, &refused) && refused.Code == client.OutcomeUnknown:
			fmt.Println("look before you send it again:", refused.Detail)
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("sent as call", answer.ID)
		}
	}
}

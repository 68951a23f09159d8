// Package event owns what happened and who is told: the events of users and of the host, the webhooks that want them, and their delivery
// in the form of the Standard Webhooks specification. An event and the deliveries that are due for it are one transaction; a delivery is
// made at least once, and in no promised order.
package event

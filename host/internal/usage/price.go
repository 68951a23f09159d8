package usage

import "context"

// Price is what a unit costs: an operator's table, for platforms that do not say what a call cost.
type Price struct {
	Platform string `json:"platform"`
	// Operation is "" for all that have no price of their own for the unit.
	Operation string `json:"operation,omitempty"`
	// Unit is what the platform counts, such as input_tokens, or calls.
	Unit string `json:"unit"`
	// USD is the price of one.
	USD float64 `json:"usd"`
}

// CostUnit is the unit by which an adapter tells what a call cost.
const CostUnit = "cost_usd"

// Prices keeps the operator's table.
type Prices interface {
	Prices(ctx context.Context) ([]Price, error)
	// PutPrices puts a table in place of the one before. Calls that are rolled up already keep their cost.
	PutPrices(ctx context.Context, prices []Price) error
}

// PriceList finds prices.
type PriceList map[[3]string]float64

// NewPriceList answers the list of a table.
func NewPriceList(table []Price) PriceList {
	out := PriceList{}
	for _, p := range table {
		out[[3]string{p.Platform, p.Operation, p.Unit}] = p.USD
	}
	return out
}

// Cost answers what a call cost in US dollars: what the platform said, or by the table; 0 where neither knows.
func (l PriceList) Cost(c Call) float64 {
	if told, ok := c.Units[CostUnit]; ok {
		return told
	}
	if len(l) == 0 {
		return 0
	}
	cost := l.of(c, "calls")
	if c.Kind != "" {
		cost = 0 // a platform does not charge for what it refused
	}
	for unit, n := range c.Units {
		cost += n * l.of(c, unit)
	}
	return cost
}

func (l PriceList) of(c Call, unit string) float64 {
	if usd, ok := l[[3]string{c.Platform, c.Operation, unit}]; ok {
		return usd
	}
	return l[[3]string{c.Platform, "", unit}]
}

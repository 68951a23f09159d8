// Package alert owns what users want to be told about their usage: thresholds and budgets, and what is posted when one is crossed.
//
// alert.go says what an alert is, service.go who may have which, watch.go looks at them and posts.
package alert

package host

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/patchbay/patchbay/host/internal/supervisor"
	"github.com/patchbay/patchbay/host/internal/usage"
)

// telemetry is what the host tells its operator's tools. No label holds a user's data.
type telemetry struct {
	handler  http.Handler
	calls    metric.Int64Counter
	duration metric.Float64Histogram
	metrics  *sdkmetric.MeterProvider
	traces   *sdktrace.TracerProvider // nil: not configured

	labels sync.Map // from labelled to labels: sorting and hashing them again for each call costs more than counting it
}

// labelled is what a call is counted under.
type labelled struct{ platform, operation, kind string }

// labels are a call's as the meter takes them.
type labels struct{ calls, duration metric.MeasurementOption }

// newTelemetry sets metrics up, and traces where an endpoint is configured.
func newTelemetry(ctx context.Context, cfg Config, adapters func() []supervisor.Status) (*telemetry, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("setting metrics up: %w", err)
	}
	t := &telemetry{handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), metrics: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))}
	meter := t.metrics.Meter("patchbay")
	var errs [4]error
	t.calls, errs[0] = meter.Int64Counter("patchbay_calls", metric.WithDescription("Calls that were recorded, by how they ended."))
	t.duration, errs[1] = meter.Float64Histogram("patchbay_call_duration", metric.WithUnit("s"), metric.WithDescription("From request to record."),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60))
	_, errs[2] = meter.Int64ObservableGauge("patchbay_adapter_up", metric.WithDescription("1 while the adapter's process runs."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			for _, s := range adapters() {
				up := int64(0)
				if s.State == "running" {
					up = 1
				}
				o.Observe(up, metric.WithAttributes(attribute.String("adapter", s.Name), attribute.String("state", s.State)))
			}
			return nil
		}))
	_, errs[3] = meter.Int64ObservableCounter("patchbay_adapter_restarts", metric.WithDescription("Crashes and failed starts."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			for _, s := range adapters() {
				o.Observe(int64(s.Restarts), metric.WithAttributes(attribute.String("adapter", s.Name)))
			}
			return nil
		}))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("setting metrics up: %w", err)
	}
	return t, t.startTraces(ctx, cfg)
}

func (t *telemetry) startTraces(ctx context.Context, cfg Config) error {
	if cfg.TraceEndpoint == "" {
		return nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.TraceEndpoint))
	if err != nil {
		return fmt.Errorf("setting traces up: %w", err)
	}
	t.traces = sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "patchbay"), attribute.String("service.version", cfg.Version))))
	otel.SetTracerProvider(t.traces)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return nil
}

// observe counts a call.
func (t *telemetry) observe(c usage.Call) {
	kind := c.Kind
	if kind == "" {
		kind = "ok"
	}
	l := t.labelsOf(labelled{c.Platform, c.Operation, kind})
	t.calls.Add(context.Background(), 1, l.calls)
	t.duration.Record(context.Background(), c.Duration.Seconds(), l.duration)
}

// labelsOf answers the labels of a call. There are as many as operations and kinds, which adapters and the host declare.
func (t *telemetry) labelsOf(key labelled) labels {
	if known, ok := t.labels.Load(key); ok {
		return known.(labels)
	}
	platform := attribute.String("platform", key.platform)
	l := labels{
		calls:    metric.WithAttributeSet(attribute.NewSet(platform, attribute.String("operation", key.operation), attribute.String("kind", key.kind))),
		duration: metric.WithAttributeSet(attribute.NewSet(platform)),
	}
	t.labels.Store(key, l)
	return l
}

// close sends what is left.
func (t *telemetry) close(ctx context.Context) error {
	var traces error
	if t.traces != nil {
		traces = t.traces.Shutdown(ctx)
	}
	return errors.Join(t.metrics.Shutdown(ctx), traces)
}

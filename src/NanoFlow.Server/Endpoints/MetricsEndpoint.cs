// GET /metrics for Prometheus, in the format its Accept header asks for.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Metrics;

namespace NanoFlow.Server.Endpoints;

internal sealed class MetricsEndpoint(PrometheusExporter exporter)
{
    public Task RunAsync(HttpContext context)
    {
        var open = context.Request.Headers.Accept.ToString().Contains(
            "application/openmetrics-text", StringComparison.OrdinalIgnoreCase);
        context.Response.ContentType =
            open ? PrometheusExporter.OpenMetricsType : PrometheusExporter.TextType;
        return context.Response.WriteAsync(exporter.Render(open), context.RequestAborted);
    }
}

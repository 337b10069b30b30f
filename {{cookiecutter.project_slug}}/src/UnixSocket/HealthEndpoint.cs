using Microsoft.AspNetCore.Routing;

namespace UnixSocket;

/// <summary>The endpoint /healthz, which answers with the app's health checks.</summary>
internal static class HealthEndpoint
{
    /// <summary>The endpoint's path.</summary>
    public const string Path = "/healthz";

    /// <summary>Answers at the path, unless the app maps an endpoint of its own there.</summary>
    /// <param name="app">The pipeline.</param>
    /// <remarks>The app maps its endpoints later than this, so each request to the path looks for one.</remarks>
    public static void Use(IApplicationBuilder app)
    {
        var endpoints = app.ApplicationServices.GetService<EndpointDataSource>();
        app.UseWhen(
            context => context.Request.Path == Path && !IsMapped(endpoints), branch => branch.UseHealthChecks(Path));
    }

    private static bool IsMapped(EndpointDataSource? source) =>
        source?.Endpoints.OfType<RouteEndpoint>().Any(endpoint => IsPath(endpoint.RoutePattern.RawText)) == true;

    private static bool IsPath(string? pattern) =>
        string.Equals(pattern?.Trim('/'), Path.TrimStart('/'), StringComparison.OrdinalIgnoreCase);
}

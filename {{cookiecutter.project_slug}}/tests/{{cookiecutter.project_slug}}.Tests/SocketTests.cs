using System.Net;

namespace {{ cookiecutter.__namespace }}.Tests;

public sealed class SocketTests(AppProcess app) : IClassFixture<AppProcess>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // Change it with your page.
    [Fact]
    public async Task PageAnswersOverTheSocket() =>
        Assert.Equal("Hello World!", await app.Client.GetStringAsync("/", Cancelled));

    [Fact]
    public async Task HealthEndpointAnswersOverTheSocket() =>
        Assert.Equal("Healthy", await app.Client.GetStringAsync("/healthz", Cancelled));

    [Fact]
    public async Task UnknownPathIsNotFound()
    {
        using var response = await app.Client.GetAsync("/nowhere", Cancelled);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task HealthCommandFindsTheRunningInstance()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The app's commands are for its container, which runs Linux.");

        Assert.Equal(0, await app.RunCommandAsync("health"));
        Assert.Equal(0, await app.RunCommandAsync("serves"));
    }

    [Fact]
    public void AddressInTheLogIsThePublicPath() =>
        Assert.Contains($"Now listening on: http://unix:{app.SocketPath}\"", app.Output);
}

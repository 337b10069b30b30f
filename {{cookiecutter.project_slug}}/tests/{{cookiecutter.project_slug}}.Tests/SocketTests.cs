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

    [Theory]
    [InlineData("UnixSocket.dll")]
    [InlineData("{{ cookiecutter.project_slug }}.dll")]
    public async Task HealthCommandFindsTheRunningInstance(string program)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The commands are for the app's container, which runs Linux.");

        Assert.Equal(0, await app.RunCommandAsync(program, "health"));
    }

    [Fact]
    public void AddressInTheLogIsThePublicPath() =>
        Assert.Contains($"Now listening on: http://unix:{app.SocketPath}\"", app.Output);
}

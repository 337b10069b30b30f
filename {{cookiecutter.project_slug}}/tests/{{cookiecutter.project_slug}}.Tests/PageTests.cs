using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;

namespace {{ cookiecutter.__namespace }}.Tests;

/// <summary>The app's pages within this process, with no socket: the place for the tests of what you add.</summary>
public sealed class PageTests(WebApplicationFactory<Program> factory) : IClassFixture<WebApplicationFactory<Program>>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // Change it with your page.
    [Theory]
    [InlineData("Development")]
    [InlineData("Production")]
    public async Task PageSaysHello(string environment)
    {
        await using var app = factory.WithWebHostBuilder(host => host.UseEnvironment(environment));
        using var client = app.CreateClient();

        Assert.Equal("Hello World!", await client.GetStringAsync("/", Cancelled));
    }
}

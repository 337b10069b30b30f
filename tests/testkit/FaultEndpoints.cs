using System.Globalization;
using System.Net.WebSockets;
using System.Runtime.InteropServices;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Pages for the tests of faults: each lasts long enough to meet one, checks the way there and back, or is one.</summary>
internal static class FaultEndpoints
{
    /// <summary>A command that lasts so many seconds, because the app's image may have none.</summary>
    public static void Sleep(string[] arguments)
    {
        if (arguments is ["sleep", var seconds])
        {
            Thread.Sleep(TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture)));
            Environment.Exit(0);
        }
    }

    /// <summary>What is wrong with a version, as the setting Fault says.</summary>
    public static void AddFault(this WebApplicationBuilder builder)
    {
        switch (builder.Configuration["Fault"])
        {
            case "throw":
                throw new InvalidOperationException("planned: it throws");
            case "hang":
                Console.WriteLine("planned: it hangs");
                Thread.Sleep(Timeout.Infinite);
                break;
            case "exit":
                new Timer(_ => { Console.WriteLine("planned: it exits"); Environment.Exit(3); }).Change(2000, Timeout.Infinite);
                break;
            case "sick":
                builder.Configuration["Faults:HealthStatus"] = "503";
                break;
        }
    }

    public static WebApplication MapFaults(this WebApplication app)
    {
        var stopping = app.Lifetime.ApplicationStopping;

        // A health check that takes its time, so that a test can stop the app while one is under way; or one that fails.
        var healthDelay = app.Configuration.GetValue<double>("Faults:HealthDelay");
        var healthStatus = app.Configuration.GetValue<int>("Faults:HealthStatus");
        app.Use(async (http, next) =>
        {
            var isProbe = http.Request.Path == "/healthz";
            if (isProbe && healthDelay > 0)
            {
                Console.WriteLine("planned: a health check is under way");
                await Task.Delay(TimeSpan.FromSeconds(healthDelay), CancellationToken.None);
            }

            if (isProbe && healthStatus > 0)
            {
                http.Response.StatusCode = healthStatus;
                http.Response.Headers.Location = healthStatus == 302 ? "/login" : default;
                return;
            }

            await next(http);
        });

        var redirects = app.Configuration.GetValue<bool>("Faults:HttpsRedirection");
        if (redirects)
        {
            app.UseHttpsRedirection();
        }

        // An endpoint of the app's own is behind all of these, as the library's is not.
        if (healthDelay > 0 || healthStatus > 0 || redirects || app.Configuration.GetValue<bool>("Faults:OwnHealth"))
        {
            app.MapHealthChecks("/healthz");
        }

        app.MapPost("/echo", async (HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            return Results.Bytes(body.ToArray());
        });

        app.MapGet("/slow", async (double seconds) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds), CancellationToken.None);
            return "slow";
        });

        app.MapGet("/throw", async (double seconds = 0) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds), CancellationToken.None);
            throw new InvalidOperationException("planned");
        });

        // More than the container may have; not from the garbage collector, which would throw instead.
        app.MapGet("/eat", void () =>
        {
            var bite = new byte[1 << 20];
            while (true)
            {
                Marshal.Copy(bite, 0, Marshal.AllocHGlobal(bite.Length), bite.Length);
            }
        });

        // An event stream that hears that the app is stopping, and one that does not.
        app.MapGet("/events", async (HttpContext http, bool deaf = false) =>
        {
            http.Response.ContentType = "text/event-stream";
            while (deaf || !stopping.IsCancellationRequested)
            {
                await http.Response.WriteAsync("data: tick\n\n", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
                await Task.Delay(50, http.RequestAborted);
            }

            await http.Response.WriteAsync("data: bye\n\n", CancellationToken.None);
        });

        // The same for a websocket.
        app.MapGet("/websocket", async (HttpContext http, bool deaf = false) =>
        {
            using var socket = await http.WebSockets.AcceptWebSocketAsync();
            using var closing = CancellationTokenSource.CreateLinkedTokenSource(deaf ? CancellationToken.None : stopping);
            try
            {
                while (true)
                {
                    await socket.SendAsync("tick"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
                    await Task.Delay(50, closing.Token);
                }
            }
            catch (OperationCanceledException)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "stopping", CancellationToken.None);
            }
        });

        return app;
    }
}

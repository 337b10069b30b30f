using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using {{ cookiecutter.__namespace }};
using {{ cookiecutter.__namespace }}.UnixSocket;

// Commands for a running instance. They come first, without a host, because Docker runs `health` again and again.
switch (args)
{
    case ["health"]: return SocketCommands.Health();
    case ["serves"]: return SocketCommands.Serves();
    case ["take-over"]: return SocketCommands.TakeOver();
}

// Where the socket cannot be served, one line says what to do.
AppDomain.CurrentDomain.UnhandledException += (_, failure) =>
{
    if (failure.ExceptionObject is Exception e and (SocketUnavailableException or OptionsValidationException))
    {
        Console.Error.WriteLine(e.Message);
        Environment.Exit(1);
    }
};

var builder = WebApplication.{% if cookiecutter.__native_aot %}CreateSlimBuilder{% else %}CreateBuilder{% endif %}(args);
{%- if cookiecutter.__native_aot %}
// The slim builder sets a format of its own; appsettings.json says which.
builder.Logging.AddConsole(
    console => console.FormatterName = builder.Configuration["Logging:Console:FormatterName"]);
{%- endif %}

// appsettings.json names the socket. In Development it is empty: Kestrel then listens where launchSettings.json says.
if (builder.Configuration["Socket:Path"] is { Length: > 0 } path)
{
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(path));
    builder.WebHost.UseSocketLifecycle();
}

// {{ cookiecutter.__proxy_name }} says who the client is, and whether it came over https.
builder.Services.Configure<ForwardedHeadersOptions>(options =>
    options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto);
builder.Services.AddHealthChecks();
builder.Services.AddProblemDetails();
{%- if cookiecutter.__native_aot %}
builder.Services.ConfigureHttpJsonOptions(options =>
    options.SerializerOptions.TypeInfoResolverChain.Insert(0, AppJsonContext.Default));
{%- endif %}

// Logins and forms: keys on a volume outlive a deployment. compose.yaml needs the volume, at /keys.
// builder.Services.AddDataProtection().PersistKeysToFileSystem(new DirectoryInfo("/keys"));

var app = builder.Build();

app.UseForwardedHeaders();
app.UseRequestId();
app.UseExceptionHandler();
app.UseConnectionShutdown();
app.MapGet("/", () => "Hello World!");
app.MapHealthChecks("/healthz").AllowAnonymous();

app.Run();
return Environment.ExitCode;

using System.Text.Json.Nodes;

namespace Hanbae.Host.Tests.Conformance.Rig;

/// <summary>A watch over HTTP: its events one by one, each line read once.</summary>
public sealed class Watched(HttpResponseMessage response, StreamReader lines, string path) : IDisposable
{
    readonly List<string> _seen = [];

    public sealed record Event(string Type, JsonObject Object);

    public async Task<Event> NextAsync(TimeSpan? patience = null)
    {
        using var limit = new CancellationTokenSource(patience is { } given ? given > TimeSpan.Zero ? given : TimeSpan.FromMilliseconds(1) : Wire.Bound);
        string line = await lines.ReadLineAsync(limit.Token) ?? throw new Xunit.Sdk.XunitException("the watch ended: " + path);
        var read = JsonNode.Parse(line)!;
        var seen = new Event(read.Text("type"), (JsonObject)read["object"]!);
        _seen.Add($"{seen.Type} {seen.Object.Name()} {seen.Object.Revision()}");
        Assert.True(seen.Type != "ERROR", line);
        return seen;
    }

    /// <summary>Goes on to the first event of that type whose object is so.</summary>
    public async Task<JsonObject> UntilAsync(string type, Func<JsonObject, bool>? so = null, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(so))] string what = "")
    {
        var limit = DateTime.UtcNow + Wire.Bound;
        while (true)
        {
            try
            {
                var next = await NextAsync(limit - DateTime.UtcNow);
                if (next.Type == type && (so is null || so(next.Object))) return next.Object;
            }
            catch (OperationCanceledException)
            {
                throw new Xunit.Sdk.XunitException($"{path} never had {type} {what}; it had\n{string.Join("\n", _seen)}");
            }
        }
    }

    public void Dispose()
    {
        lines.Dispose();
        response.Dispose();
    }
}

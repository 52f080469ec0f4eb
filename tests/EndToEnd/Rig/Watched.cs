using System.Text.Json.Nodes;

namespace Hanbae.EndToEnd.Rig;

/// <summary>A watch that a test holds: it takes the events one by one, in their order, until one is what it waits for.</summary>
public sealed class Watched : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);
    readonly StreamReader _reader;
    readonly List<JsonNode> _seen = [];

    Watched(Stream stream) => _reader = new(stream);

    internal static async Task<Watched> OpenAsync(RawApi api, string path)
    {
        using var limit = new CancellationTokenSource(Deadline);
        return new(await api.OpenAsync(path, limit.Token));
    }

    /// <summary>All events that were taken so far.</summary>
    public IReadOnlyList<JsonNode> Seen => _seen;

    /// <summary>The first event from here on that is as wanted.</summary>
    /// <param name="type">ADDED, MODIFIED or DELETED.</param>
    public async Task<JsonNode> UntilAsync(string type, Func<JsonNode, bool>? enough = null, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(enough))] string what = "")
    {
        using var limit = new CancellationTokenSource(Deadline);
        try
        {
            while (await _reader.ReadLineAsync(limit.Token) is { } line)
            {
                var found = JsonNode.Parse(line)!;
                _seen.Add(found);
                if (found.Text("type") == type && (enough is null || enough(found["object"]!))) return found["object"]!;
            }
        }
        catch (OperationCanceledException) { }
        throw new Xunit.Sdk.XunitException($"the watch had no {type} with {what}; seen:\n{string.Join('\n', _seen.Select(e => e.ToJsonString()))}");
    }

    public void Dispose() => _reader.Dispose();
}

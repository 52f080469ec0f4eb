using System.Text.Json.Nodes;

namespace Hanbae.EndToEnd.Rig;

/// <summary>A watch that a test holds: it takes the events one by one, in their order, until one is what it waits for.</summary>
public sealed class Watched : IAsyncDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);
    readonly CancellationTokenSource _stop = new();
    readonly Task<StreamReader> _opened;
    readonly List<string> _seen = [];

    internal Watched(RawApi api, string path) => _opened = OpenAsync(api, path);

    async Task<StreamReader> OpenAsync(RawApi api, string path) => new(await api.OpenAsync(path, _stop.Token));

    /// <summary>The first event from here on that is as wanted.</summary>
    /// <param name="type">ADDED, MODIFIED or DELETED.</param>
    public async Task<JsonNode> UntilAsync(string type, Func<JsonNode, bool>? enough = null, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(enough))] string what = "")
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(Deadline);
        try
        {
            var reader = await _opened.WaitAsync(limit.Token);
            while (await reader.ReadLineAsync(limit.Token) is { } line)
            {
                _seen.Add(line);
                var found = JsonNode.Parse(line)!;
                if (found.Text("type") == type && (enough is null || enough(found["object"]!))) return found["object"]!;
            }
        }
        catch (OperationCanceledException) { }
        throw new Xunit.Sdk.XunitException($"the watch had no {type} with {what}; seen:\n{string.Join('\n', _seen)}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_opened.IsCompletedSuccessfully) (await _opened).Dispose();
        _stop.Dispose();
    }
}

using Hanbae.Api.Rest;

namespace Hanbae.Client.Tests.Transport;

public sealed class CountingTransportTests
{
    static ApiRequest Request(string method) => new() { Method = method, Path = "/api/v1/nodes" };

    [Fact]
    public async Task Each_request_counts_once_by_its_answer()
    {
        var script = new ScriptedTransport();
        var counting = new CountingTransport(script, "10.0.0.1:6443");
        foreach (int code in (int[])[200, 200, 404])
        {
            var asked = counting.SendAsync(Request("GET"), default).AsTask();
            (await script.NextAsync()).Answer(Make.Error(code, "x"), code);
            Assert.Equal(code, (await asked).Code);
        }
        var broken = counting.SendAsync(Request("POST"), default).AsTask();
        (await script.NextAsync()).Result.SetException(new HttpRequestException("gone"));
        await Assert.ThrowsAsync<HttpRequestException>(() => broken);
        Assert.Equal([("200", "GET", 2L), ("404", "GET", 1L), ("<error>", "POST", 1L)], counting.Counts.OrderBy(c => c.Method).ThenBy(c => c.Code));
        Assert.Equal("10.0.0.1:6443", counting.Host);
    }

    [Fact]
    public async Task A_watch_is_one_request_however_much_it_tells()
    {
        var script = new ScriptedTransport();
        var counting = new CountingTransport(script, "h");
        var watch = WatchAsync();
        var asked = await script.NextAsync();
        asked.Send("ADDED", new Hanbae.Api.Core.V1.Pod());
        asked.Send("MODIFIED", new Hanbae.Api.Core.V1.Pod());
        asked.Close();
        Assert.Equal(2, await watch);
        Assert.Equal([("200", "GET", 1L)], counting.Counts);

        watch = WatchAsync();
        (await script.NextAsync()).Close(new ApiException(Make.Error(410, "Expired")));
        await Assert.ThrowsAsync<ApiException>(() => watch);
        Assert.Contains(("410", "GET", 1L), counting.Counts);

        async Task<int> WatchAsync()
        {
            int n = 0;
            await foreach (var _ in counting.WatchAsync(Request("GET"), default)) n++;
            return n;
        }
    }
}

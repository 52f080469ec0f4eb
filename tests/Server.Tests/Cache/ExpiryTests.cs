using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Kit;
using Hanbae.Server.Cache;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Server.Tests.Cache;

/// <summary>Events go an hour after their last write (<c>--event-ttl</c>), whatever restarts there were between.</summary>
public sealed class ExpiryTests
{
    static readonly CancellationToken s_none = CancellationToken.None;
    static readonly TimeSpan s_ttl = TimeSpan.FromHours(1), s_round = TimeSpan.FromMinutes(3);

    static Event Named(string name, DateTimeOffset last) => new()
    {
        Metadata = new() { Name = name, Namespace = "default" }, InvolvedObject = new() { Kind = "Pod", Name = "p", Namespace = "default" },
        Reason = "Tested", Type = "Normal", LastTimestamp = last, FirstTimestamp = last,
    };

    sealed class Run(TestServer server, FakeTime time)
    {
        readonly Expiry _expiry = new(server.Server.Resources.Stored(new("", "events"))!, s_ttl, time, NullLogger.Instance);

        public ApiClient Client { get; } = new(server.Server.Transport, time);

        public Task CreateAsync(string name) => Client.CreateAsync(Named(name, time.GetUtcNow()), s_none);

        /// <summary>Rounds as they come until the time is over.</summary>
        public async Task PassAsync(TimeSpan span)
        {
            for (var passed = TimeSpan.Zero; passed < span; passed += s_round)
            {
                await _expiry.RoundAsync(s_none);
                time.Advance(s_round);
            }
            await _expiry.RoundAsync(s_none);
        }

        public async Task<string[]> NamesAsync() => [.. (await Client.ListAsync<Event>(new() { Namespace = "default" }, s_none)).Items.Select(e => e.Metadata.Name)];
    }

    static async Task<TestServer> StartAsync(FakeTime time)
    {
        var server = await TestServer.StartAsync(o => o with { Time = time, EventTtl = TimeSpan.Zero });
        await new ApiClient(server.Server.Transport, time).CreateAsync(new Namespace { Metadata = new() { Name = "default" } }, s_none);
        return server;
    }

    [Fact]
    public async Task What_is_not_written_again_goes_and_what_is_stays()
    {
        var time = new FakeTime();
        await using var server = await StartAsync(time);
        var run = new Run(server, time);
        await run.PassAsync(TimeSpan.Zero);
        await run.CreateAsync("once");
        await run.CreateAsync("again");
        await run.PassAsync(TimeSpan.FromMinutes(30));
        await run.Client.PatchAsync<Event>(new("default", "again"), Patch.Merge("""{"count":2}"""u8.ToArray()), s_none);
        await run.CreateAsync("later");
        await run.PassAsync(TimeSpan.FromMinutes(27));
        Assert.Equal(["again", "later", "once"], await run.NamesAsync());
        await run.PassAsync(TimeSpan.FromMinutes(12));
        Assert.Equal(["again", "later"], await run.NamesAsync());
        await run.PassAsync(TimeSpan.FromMinutes(30));
        Assert.Empty(await run.NamesAsync());
    }

    [Fact]
    public async Task What_was_there_before_a_start_goes_by_when_it_was_last_seen()
    {
        var time = new FakeTime();
        await using var server = await StartAsync(time);
        await new Run(server, time).CreateAsync("old");
        time.Advance(TimeSpan.FromMinutes(40));
        await new Run(server, time).CreateAsync("young");
        var restarted = new Run(server, time);
        await restarted.PassAsync(TimeSpan.FromMinutes(21));
        Assert.Equal(["young"], await restarted.NamesAsync());
        await restarted.PassAsync(TimeSpan.FromMinutes(42));
        Assert.Empty(await restarted.NamesAsync());
    }

    [Fact]
    public async Task Who_watches_is_told_and_other_kinds_stay()
    {
        var time = new FakeTime();
        await using var server = await StartAsync(time);
        var run = new Run(server, time);
        await run.Client.CreateAsync(new ConfigMap { Metadata = new() { Name = "c", Namespace = "default" } }, s_none);
        await run.CreateAsync("e");
        var at = (await run.Client.ListAsync<Event>(new() { Namespace = "default" }, s_none)).ResourceVersion;
        await run.PassAsync(TimeSpan.FromMinutes(63));
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await foreach (var change in run.Client.WatchAsync<Event>(new() { Namespace = "default" }, at, limit.Token))
        {
            Assert.Equal((WatchEventType.Deleted, "e"), (change.Type, change.Object.Metadata.Name));
            break;
        }
        Assert.NotNull(await run.Client.FindAsync<ConfigMap>(new("default", "c"), s_none));
    }
}

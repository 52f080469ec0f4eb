using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Kit;

namespace Hanbae.Client.Tests.Watch;

/// <summary>Random histories, compactions, pages and failures: whatever happens, cache and subscriber end where the server is.</summary>
public sealed class WatchMachineModelTests
{
    sealed class Server(Random random)
    {
        readonly List<(int Revision, string Type, ConfigMap Object)> _log = [];
        int _compacted;

        public SortedDictionary<string, ConfigMap> Objects { get; private set; } = [];
        public int Revision { get; private set; } = 1;

        public void Change()
        {
            string name = "m" + random.Next(8);
            Revision++;
            if (!Objects.TryGetValue(name, out var old)) Log("ADDED", Objects[name] = Make.Map(name, $"{Revision}", uid: $"uid-{Revision}"));
            else if (random.Next(3) == 0)
            {
                Objects.Remove(name);
                Log("DELETED", old with { Metadata = old.Metadata with { ResourceVersion = $"{Revision}" } });
            }
            else Log("MODIFIED", Objects[name] = old with { Metadata = old.Metadata with { ResourceVersion = $"{Revision}" } });
        }

        void Log(string type, ConfigMap obj) => _log.Add((Revision, type, obj));

        public void Compact() => _compacted = random.Next(_compacted, Revision + 1);

        public SortedDictionary<string, ConfigMap> At(int revision)
        {
            var state = new SortedDictionary<string, ConfigMap>();
            foreach (var (at, type, obj) in _log)
                if (at > revision) break;
                else if (type == "DELETED") state.Remove(obj.Metadata.Name);
                else state[obj.Metadata.Name] = obj;
            return state;
        }

        public ApiList List(ListQuery query)
        {
            // 0: anything that is at hand; a number: not older; nothing: the newest, in pages at one revision.
            int revision = Revision, skip = 0;
            if (query.Continue.Length > 0)
            {
                string[] token = query.Continue.Split('/');
                (revision, skip) = (int.Parse(token[0]), int.Parse(token[1]));
                if (revision < _compacted) throw new ApiException(Make.Error(410, "Expired"));
            }
            else if (query.ResourceVersion is { Length: > 0 } version) revision = random.Next(Math.Max(1, int.Parse(version)), Revision + 1);
            var all = At(revision).Values.ToArray();
            // Whatever the limit: a server may page when asked for it, never else.
            int limit = query.Limit > 0 ? random.Next(1, 4) : all.Length;
            var page = all.Skip(skip).Take(limit).ToArray();
            bool more = skip + page.Length < all.Length;
            return new(new() { ResourceVersion = $"{revision}", Continue = more ? $"{revision}/{skip + page.Length}" : "" }, page);
        }

        public ApiEvent? Next(int after)
        {
            if (after < _compacted) throw new ApiException(Make.Error(410, "Expired"));
            foreach (var (at, type, obj) in _log) if (at > after) return new(type, obj);
            return null;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cache_and_subscriber_end_where_the_server_is(bool initialEvents)
    {
        int first = Environment.TickCount;
        for (int seed = first; seed < first + 400; seed++)
            try { Run(new Random(seed), initialEvents); }
            catch (Exception e) { throw new InvalidOperationException($"seed {seed}: {e.Message}", e); }
    }

    static void Run(Random random, bool initialEvents)
    {
        var time = new FakeTime();
        var server = new Server(random);
        var cache = new SharedCache<ConfigMap>();
        var mirror = new Dictionary<string, ConfigMap>();
        cache.Subscribe(e => Believer.Hear(mirror, e));
        var machine = new WatchMachine(ListQuery.All, new WatchOptions { PageSize = 3, InitialEvents = initialEvents }, new Backoff(time, random), cache.Apply);
        // Where the open watch is; null when none is open. And what a watch with initial events has yet to send.
        int? at = null;
        Queue<ConfigMap>? initial = null;
        int newest = 0;

        for (int i = 0; i < 300; i++)
        {
            bool calm = i >= 240;
            if (!calm)
            {
                if (random.Next(3) == 0) server.Change();
                if (random.Next(20) == 0) server.Compact();
            }
            try
            {
                if (!calm && random.Next(15) == 0) throw random.Next(3) switch
                {
                    0 => new IOException("reset"), 1 => new ApiException(Make.Error(503, "ServiceUnavailable")), _ => new ApiException(Make.Error(403, "Forbidden")),
                };
                switch (machine.Next)
                {
                    case WatchStep.Pause: machine.OnPaused(); break;
                    case WatchStep.List list: machine.OnPage(server.List(list.Query)); break;
                    case WatchStep.Watch watch when at is null:
                        machine.OnOpened();
                        at = watch.InitialEvents ? server.Revision : int.Parse(watch.ResourceVersion);
                        initial = watch.InitialEvents ? new(server.Objects.Values) : null;
                        break;
                    case WatchStep.Watch when initial is { Count: > 0 }: machine.OnEvent(new("ADDED", initial.Dequeue())); break;
                    case WatchStep.Watch when initial is not null:
                        initial = null;
                        machine.OnEvent(new("BOOKMARK", Make.Bookmark($"{at}", initialEnd: true)));
                        break;
                    case WatchStep.Watch:
                        if (!calm && random.Next(20) == 0) { at = null; machine.OnClosed(); break; }
                        if (server.Next(at.Value) is { } next)
                        {
                            at = int.Parse(next.Object.Metadata.ResourceVersion);
                            machine.OnEvent(next);
                        }
                        else if (random.Next(4) == 0) machine.OnEvent(new("BOOKMARK", Make.Bookmark($"{at = server.Revision}")));
                        break;
                }
            }
            catch (Exception e) when (e is IOException or ApiException)
            {
                (at, initial) = (null, null);
                machine.OnFailure(e);
            }
            if (cache.Synced && machine.ResourceVersion.Length > 0)
            {
                // What is cached never goes back in time.
                Assert.True(int.Parse(machine.ResourceVersion) >= newest);
                newest = int.Parse(machine.ResourceVersion);
                Assert.Equal(server.At(newest).Values, cache.All.OrderBy(m => m.Metadata.Name, StringComparer.Ordinal));
                Assert.Equal(server.At(newest).Values, mirror.Values.OrderBy(m => m.Metadata.Name, StringComparer.Ordinal));
            }
        }
        Assert.True(cache.Synced);
        Assert.Equal(server.Objects.Values, cache.All.OrderBy(m => m.Metadata.Name, StringComparer.Ordinal));
    }
}

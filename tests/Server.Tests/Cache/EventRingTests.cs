using System.Text;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Tests.Cache;

/// <summary>What the past of a resource may cost.</summary>
public sealed class EventRingTests
{
    static Item Version(long revision, int bytes) =>
        Item.FromStored(ConfigMap.Info, "default/a", revision, Encoding.ASCII.GetBytes($$$"""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default","uid":"u"},"data":{"k":"{{{new string('x', bytes)}}}"}}"""));

    static (EventRing Ring, List<Item> Versions) Updated(int updates, int bytes)
    {
        var ring = new EventRing();
        ring.Reset(1);
        var versions = new List<Item> { Version(2, bytes) };
        ring.Add(new(EventType.Added, versions[0], null));
        for (int i = 0; i < updates; i++)
        {
            versions.Add(Version(3 + i, bytes));
            ring.Add(new(EventType.Modified, versions[^1], versions[^2]));
        }
        return (ring, versions);
    }

    [Theory]
    [InlineData(20_000, 100, 8192)]
    [InlineData(5_000, 8_000, 1050)]
    [InlineData(400, 200_000, 100)]
    public void The_ring_is_bounded_by_events_and_by_what_it_keeps_alive(int updates, int bytes, int most)
    {
        var (ring, versions) = Updated(updates, bytes);
        int kept = ring.After(0).Count();
        Assert.InRange(kept, 1, most);
        Assert.Equal(versions[^1].Revision - kept, ring.Since);
        Assert.Equal(versions[^1].Revision, ring.After(0).Last().Revision);
    }

    [Fact]
    public void A_superseded_version_keeps_only_its_bytes()
    {
        var item = Version(2, 10_000);
        Assert.True(item.Proto.Length > 10_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = item.Proto.Length;
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1000);
        item.Shed();
        before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(item.Proto.Length > 10_000);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before > 10_000);
    }
}

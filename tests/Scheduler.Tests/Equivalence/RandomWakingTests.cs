using Hanbae.Api;
using Hanbae.Kit;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler.Tests.Equivalence;

/// <summary>Pods that wait for room: a Pod that goes wakes exactly those that the plugin says it may help, however few of them are asked about.</summary>
public sealed class RandomWakingTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void Who_is_woken_is_who_would_be_if_each_were_asked_about(int round)
    {
        int seed = HashCode.Combine(Environment.TickCount, round), woke = 0;
        var random = new Random(seed);
        var time = new FakeTime();
        var profile = new Profile(new());
        ulong fit = profile.BitOf("NodeResourcesFit"), ports = profile.BitOf("NodePorts"), taints = profile.BitOf("TaintToleration");
        var snapshot = new Snapshot();
        for (int i = 0; i < 6; i++) snapshot.Set(Make.Node("n" + i, cpu: random.Next(2, 7).ToString()));
        var queue = new Queue(time, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), _ => profile, snapshot);
        Dictionary<Key, (PodInfo Pod, ulong Plugins)> aside = [];
        for (int i = 0; i < 60; i++)
        {
            var pod = new PodInfo(Make.Pod("p" + i, random.Next(1, 4).ToString(), priority: random.Next(3)));
            profile.Open(pod, snapshot);
            if (random.Next(3) == 0) snapshot.Nominate(pod, "n" + random.Next(6));
            queue.Put(pod);
            aside[pod.Key] = (pod, random.Next(5) switch { 0 => ports, 1 => fit | ports, 2 => fit | taints, _ => fit });
        }
        Aside(Next());
        for (int step = 0; step < 300; step++)
        {
            string node = "n" + random.Next(6);
            var other = new PodInfo(Make.Pod("other-" + random.Next(20), random.Next(1, 4).ToString(), priority: random.Next(3)));
            if (random.Next(2) == 0) { snapshot.Place(other, node); continue; }
            string at = snapshot.PlaceOf(other.Uid);
            if (at.Length == 0) continue;
            snapshot.Forget(other.Uid);
            var change = new ClusterChange(Change.PodRemoved, other.Pod, Where: at);
            var expected = aside.Values.Where(a => profile.MayCure(a.Plugins, a.Pod, change)).Select(a => a.Pod.Key.Name).Order(StringComparer.Ordinal).ToList();
            queue.On(change);
            time.Advance(TimeSpan.FromMinutes(1));
            var woken = Next();
            Assert.True(expected.SequenceEqual(woken.Select(k => k.Name).Order(StringComparer.Ordinal)), $"expected [{string.Join(' ', expected)}], got [{string.Join(' ', woken.Select(k => k.Name))}]; seed {seed}, step {step}");
            woke += woken.Count;
            // Some are promised another node by now, or none.
            foreach (var key in woken)
            {
                snapshot.Denominate(aside[key].Pod.Uid);
                if (random.Next(3) == 0) snapshot.Nominate(aside[key].Pod, "n" + random.Next(6));
            }
            Aside(woken);
        }
        Assert.True(woke > 0, $"nobody was woken; seed {seed}");

        List<Key> Next()
        {
            List<Key> all = [];
            while (queue.Next() is { } pod) all.Add(pod.Key);
            return all;
        }

        void Aside(IEnumerable<Key> keys)
        {
            foreach (var key in keys) queue.Failed(aside[key].Pod, aside[key].Plugins);
        }
    }
}

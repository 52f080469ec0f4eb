using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Deployments;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;
using Hanbae.Controllers.ReplicaSets;

namespace Hanbae.Controllers.Tests.Deployments;

/// <summary>Whatever the order in which controllers and nodes act, a rollout keeps its limits and ends.</summary>
public sealed class ConvergenceTests
{
    [Fact]
    public void A_rollout_keeps_its_limits_in_any_order_of_events_and_ends()
    {
        int seed = Environment.TickCount;
        for (int run = 0; run < 150; run++)
            try { new World(new Random(seed + run)).Run(); }
            catch (Exception e) { throw new InvalidOperationException($"seed {seed + run}", e); }
    }

    /// <summary>A cluster of values: the plans decide, the world applies, versions that moved refuse.</summary>
    sealed class World(Random random)
    {
        readonly Dictionary<string, ReplicaSet> _sets = [];
        readonly Dictionary<string, Pod> _pods = [];
        readonly List<ImmutableArray<ReplicaSet>> _past = [[]];
        Deployment _deployment = null!;
        DateTimeOffset _now = Make.Start;
        int _version;
        int _written;
        bool _steady;

        public void Run()
        {
            int replicas = random.Next(1, 12);
            IntOrString surge = random.Next(2) == 0 ? random.Next(0, 4) : $"{random.Next(1, 100)}%", unavailable = random.Next(2) == 0 ? random.Next(0, 4) : $"{random.Next(1, 100)}%";
            _deployment = Make.Deployment("web", replicas, "v0", surge, unavailable);
            Settle();
            _steady = true;
            for (int template = 1; template <= 3; template++)
            {
                _deployment = _deployment with { Spec = _deployment.Spec with { Template = Make.Template("web", $"v{random.Next(template + 1)}-{template % 2}") } };
                for (int i = random.Next(40); i > 0; i--) Step();
            }
            Settle();
            // Scaling in the middle of it all: the limits move with it, the end does not.
            _steady = false;
            _deployment = _deployment with { Spec = _deployment.Spec with { Replicas = random.Next(0, 15), Template = Make.Template("web", "last") } };
            for (int i = random.Next(20); i > 0; i--) Step();
            _deployment = _deployment with { Spec = _deployment.Spec with { Replicas = replicas } };
            Settle();
        }

        void Settle()
        {
            for (int i = 0; i < 5000; i++)
            {
                Step();
                if (i % 50 == 49 && Done()) return;
            }
            throw new InvalidOperationException("does not converge: " + string.Join(", ", _sets.Values.Select(s => $"{s.Metadata.Name} {s.Spec.Replicas}/{s.Status.AvailableReplicas}")));
        }

        bool Done()
        {
            int replicas = _deployment.Spec.Replicas!.Value;
            var current = _sets.Values.FirstOrDefault(s => TemplateHash.Same(s.Spec.Template, _deployment.Spec.Template));
            return current is not null && current.Spec.Replicas == replicas && Active(current).Count(p => p.IsReady) == replicas
                && _pods.Count == replicas && RollStatus.IsComplete(_deployment, _deployment.Status);
        }

        void Step()
        {
            _now += TimeSpan.FromSeconds(1);
            switch (random.Next(4))
            {
                case 0: Roll(); break;
                case 1 or 2 when _sets.Count > 0: Scale(_sets.Values.ElementAt(random.Next(_sets.Count))); break;
                default:
                    if (_pods.Values.Where(p => !p.IsReady).ToList() is { Count: > 0 } waiting && waiting[random.Next(waiting.Count)] is var pod) _pods[pod.Metadata.Name] = pod.Ready(_now);
                    break;
            }
            Check();
        }

        /// <summary>The controller sees the sets as they were some writes ago, its own last ones included (Echo): never a mixture.</summary>
        void Roll()
        {
            var seen = _past[Math.Max(_written, _past.Count - 1 - random.Next(4))];
            var plan = RollPlan.For(_deployment, seen, _ => false, _now);
            if (plan.Create is { } made)
            {
                if (_sets.ContainsKey(made.Metadata.Name)) return;
                Put(made with { Metadata = made.Metadata with { Uid = "uid-" + made.Metadata.Name, Generation = 1, CreationTimestamp = _now } });
                _written = _past.Count - 1;
            }
            foreach (var (was, set) in plan.Change)
            {
                if (!_sets.TryGetValue(set.Metadata.Name, out var there) || there.Metadata.ResourceVersion != was.Metadata.ResourceVersion) return;
                Put(set with { Metadata = set.Metadata with { Generation = set.Metadata.Generation + 1 } });
                _written = _past.Count - 1;
            }
            _deployment = _deployment with { Status = plan.Status, Metadata = _deployment.Metadata with { Annotations = plan.Annotations } };
        }

        void Scale(ReplicaSet set)
        {
            var plan = ScalePlan.For(set, [.. _pods.Values.Where(p => p.IsControlledBy(set))], () => _pods.Values, _now);
            foreach (var pod in plan.Create)
            {
                string name = pod.Metadata.GenerateName + ++_version;
                _pods.Add(name, pod with { Metadata = pod.Metadata with { Name = name, Uid = "uid-" + name, CreationTimestamp = _now } });
                _written = _past.Count - 1;
            }
            foreach (var pod in plan.Delete) _pods.Remove(pod.Metadata.Name);
            if (!set.Status.Equals(plan.Status)) Put(set with { Status = plan.Status });
        }

        void Put(ReplicaSet set)
        {
            _sets[set.Metadata.Name] = set with { Metadata = set.Metadata with { ResourceVersion = $"{++_version}" } };
            _past.Add([.. _sets.Values]);
        }

        IEnumerable<Pod> Active(ReplicaSet set) => _pods.Values.Where(p => p.IsControlledBy(set) && p.IsActive);

        void Check()
        {
            if (!_steady) return;
            var limits = RollLimits.Of(_deployment);
            int asked = _sets.Values.Sum(s => s.Spec.Replicas!.Value), ready = _pods.Values.Count(p => p.IsReady);
            Assert.True(asked <= limits.MaxTotal, $"{asked} Pods were asked for, {limits.MaxTotal} are the most");
            Assert.True(ready >= limits.MinAvailable, $"{ready} Pods are available, {limits.MinAvailable} are the least");
        }
    }
}

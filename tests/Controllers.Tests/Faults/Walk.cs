using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Store.Memory;

namespace Hanbae.Controllers.Tests.Faults;

/// <summary>Work of several steps: each is asked for by a user, and has an end that the controllers bring about.</summary>
/// <param name="Done">Whether the step has come to its end, in a run without faults.</param>
/// <param name="Spare">So many more may be made: watches tell in no order, and whoever hears of an owner before he hears of what it is to adopt makes that once more, and deletes it, as upstream's do.</param>
/// <param name="Collects">Owners go. Whoever has not heard of that yet makes what was collected anew, as upstream's controllers do, to be collected again.</param>
sealed record Step(string Name, Func<IClient, Task> Ask, Func<IClient, Task<bool>> Done, bool Collects = false, int Spare = 0);

/// <summary>What goes wrong, at which write, and at every how many after it; 0 for no more.</summary>
/// <param name="Bytes">How much more of each watch comes.</param>
sealed record Happening(Fault Fault, int At, int Every, int Bytes)
{
    public override string ToString() => $"{Fault} at write {At}" + (Every > 0 ? $" and every {Every} after it" : "") + (Fault == Fault.WatchTorn ? $", {Bytes} bytes later" : "");
}

/// <summary>Steps, and the controllers that walk them.</summary>
sealed record Walk(string Name, string[] Run, Step[] Steps)
{
    public Func<ApiRequest, ApiResult?>? Intercept { get; init; }
    /// <summary>What is there before; made by the user.</summary>
    public Func<IClient, Task> Before { get; init; } = static _ => Task.CompletedTask;
    /// <summary>Faults that are no such for it: jumps of the clock where time is what it is about.</summary>
    public Fault[] Without { get; init; } = [];

    /// <summary>How a run went: the state after each step, how often what was made in each, and how many writes it took.</summary>
    public sealed record Course(string[] States, IReadOnlyDictionary<string, int>[] Made, int Writes);

    static readonly Lazy<Task<MemoryStore>> s_empty = new(EmptyAsync);

    static async Task<MemoryStore> EmptyAsync()
    {
        var store = new MemoryStore();
        await using var server = new Server.ApiServer(store, new() { Authorizers = [new Server.Auth.AlwaysAllow()] });
        var client = new ApiClient(new IdentityTransport(server.Transport, new("admin", ["system:masters"]), "faults"));
        await client.CreateAsync(new Api.Core.V1.Namespace { Metadata = new() { Name = "default" } }, default);
        for (int i = 1; i <= 2; i++)
        {
            var node = await client.CreateAsync(Make.Node($"node-{i}"), default);
            await client.UpdateStatusAsync(node with { Status = new() { Conditions = [new() { Type = "Ready", Status = "True" }] } }, default);
        }
        return store;
    }

    /// <summary>Walks without faults, to see how it should be.</summary>
    public async Task<Course> WalkAsync()
    {
        await using var cluster = new FaultyCluster((await s_empty.Value).Fork(), Run, intercept: Intercept);
        await Before(cluster.Client);
        List<string> states = [];
        List<IReadOnlyDictionary<string, int>> made = [];
        foreach (var step in Steps)
        {
            await step.Ask(cluster.Client);
            await cluster.UntilAsync(_ => step.Done(cluster.Client), now => $"{Name}, {step.Name}, without faults: does not come to its end:\n{now}");
            states.Add(await cluster.SettledAsync());
            made.Add(cluster.Wire.TakeMade());
        }
        return new([.. states], [.. made], cluster.Wire.Writes);
    }

    /// <summary>Walks while something goes wrong, and says what became of it; null when all is as without.</summary>
    public async Task<string?> WalkAsync(Course wanted, Happening what)
    {
        string where = $"{Name}: {what}";
        try
        {
            await using var cluster = new FaultyCluster((await s_empty.Value).Fork(), Run, what, Intercept);
            await Before(cluster.Client);
            for (int i = 0; i < Steps.Length; i++)
            {
                var (step, state) = (Steps[i], wanted.States[i]);
                await step.Ask(cluster.Client);
                await cluster.UntilAsync(now => Task.FromResult(now == state), now => $"{where}: after {step.Name} it is otherwise:\n{Picture.Difference(state, now)}\n{cluster.Wire.Log}");
                string[] twice = [.. cluster.Wire.TakeMade().Where(m => !step.Collects && m.Value > wanted.Made[i].GetValueOrDefault(m.Key) + step.Spare).Select(m => $"{m.Key} {m.Value} times, not {wanted.Made[i].GetValueOrDefault(m.Key)}")];
                if (twice.Length > 0) return $"{where}: made too often, {step.Name}: {string.Join("; ", twice)}\n{cluster.Wire.Log}";
            }
            await cluster.UntilAsync(_ => Task.FromResult(cluster.Unsettled == 0), _ => $"{where}: {cluster.Unsettled} keys are not forgotten:\n{cluster.Wire.Log}");
            return null;
        }
        catch (TimeoutException e) { return e.Message; }
    }
}

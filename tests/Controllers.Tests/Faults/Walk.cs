using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Store.Memory;

namespace Hanbae.Controllers.Tests.Faults;

/// <summary>Work of several steps: each is asked for by a user, and has an end that the controllers bring about.</summary>
/// <param name="Done">Whether the step has come to its end, in a run without faults.</param>
sealed record Step(string Name, Func<IClient, Task> Ask, Func<IClient, Task<bool>> Done);

/// <summary>Steps, and the controllers that walk them.</summary>
sealed record Walk(string Name, string[] Run, Step[] Steps)
{
    public Func<ApiRequest, ApiResult?>? Intercept { get; init; }
    /// <summary>What is there before; made by the user.</summary>
    public Func<IClient, Task> Before { get; init; } = static _ => Task.CompletedTask;
    /// <summary>Faults that are no such for it: jumps of the clock where time is what it is about.</summary>
    public Fault[] Without { get; init; } = [];

    /// <summary>How a run went: the state after each step, how often what was made, and how many writes it took.</summary>
    public sealed record Course(string[] States, IReadOnlyDictionary<string, int> Made, int Writes);

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
        foreach (var step in Steps)
        {
            await step.Ask(cluster.Client);
            await cluster.UntilAsync(_ => step.Done(cluster.Client), now => $"{Name}, {step.Name}, without faults: does not come to its end:\n{now}");
            states.Add(await cluster.SettledAsync());
        }
        return new([.. states], new Dictionary<string, int>(cluster.Wire.Made), cluster.Wire.Writes);
    }

    /// <summary>Walks with a fault at a write, and says what became of it; null when all is as without.</summary>
    public async Task<string?> WalkAsync(Course wanted, Fault fault, int at, int every = 0)
    {
        string where = $"{Name}: {fault} at write {at}" + (every > 0 ? $" and every {every} after it" : "");
        try
        {
            await using var cluster = new FaultyCluster((await s_empty.Value).Fork(), Run, fault, at, every, Intercept);
            await Before(cluster.Client);
            for (int i = 0; i < Steps.Length; i++)
            {
                await Steps[i].Ask(cluster.Client);
                string state = wanted.States[i];
                await cluster.UntilAsync(now => Task.FromResult(now == state), now => $"{where}: after {Steps[i].Name} it is otherwise:\n{Picture.Difference(state, now)}");
            }
            string[] twice = [.. cluster.Wire.Made.Where(m => m.Value > wanted.Made.GetValueOrDefault(m.Key)).Select(m => $"{m.Key} {m.Value} times, not {wanted.Made.GetValueOrDefault(m.Key)}")];
            return twice.Length == 0 ? null : $"{where}: made too often: {string.Join("; ", twice)}\n{cluster.Wire.Log}";
        }
        catch (TimeoutException e) { return e.Message; }
    }
}

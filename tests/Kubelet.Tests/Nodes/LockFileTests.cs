using Hanbae.Kit;
using Hanbae.Kubelet.Nodes;

namespace Hanbae.Kubelet.Tests.Nodes;

public sealed class LockFileTests : IDisposable
{
    readonly string _path = Path.Combine(Path.GetTempPath(), "hanbae-lock-" + Guid.NewGuid().ToString("N")[..8]);
    readonly FakeTime _time = new();

    public void Dispose() => File.Delete(_path);

    /// <summary>Lets time pass until it is done.</summary>
    async Task<T> DrivenAsync<T>(Task<T> task)
    {
        while (!task.IsCompleted)
        {
            await Task.WhenAny(task, _time.WhenSetAsync());
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        return await task;
    }

    static async Task<bool> Done(Task task)
    {
        await task;
        return true;
    }

    [Fact]
    public async Task A_second_waits_until_the_first_has_gone_and_the_first_learns_of_it()
    {
        var first = await LockFile.TakeAsync(_path, _time, default);
        var asked = first.AskedForAsync(default);
        await _time.WhenSetAsync();
        Assert.False(asked.IsCompleted);
        var second = LockFile.TakeAsync(_path, _time, default);
        Assert.True(await DrivenAsync(Done(asked)));
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await DrivenAsync(second)).Dispose();
    }

    [Fact]
    public async Task Its_removal_is_asking_too()
    {
        using var held = await LockFile.TakeAsync(_path, _time, default);
        var asked = held.AskedForAsync(default);
        await _time.WhenSetAsync();
        Assert.False(asked.IsCompleted);
        // The file is open, so that only its last name goes: an event of the folder's kind does not come for that.
        File.Delete(_path);
        held.Dispose();
        Assert.True(await DrivenAsync(Done(asked)));
    }
}

"""gdb command `cadre tasks`: the live tasks of a program, in a core file or in a stopped process.

    gdb -x cadre.py build/app core
    (gdb) cadre tasks

It prints what cadre::dump_tasks prints: each main task, call and job, what its coroutines wait for, who awaits them, and where they
were started. Nothing of the program runs: gdb reads its memory. The program must not be stripped: the library has the types
that this reads in its debug information in every build, and names of coroutines come from the symbol table.

It mirrors framework/src/scheduler/task_tree.cpp and task_chain.cpp.
"""

import re

import gdb

LONGEST_CHAIN = 64
MOST_NODES = 1_000_000  # of one list: memory in a core file may be damaged


def struct(name):
    return gdb.lookup_type("cadre::" + name)


def pointer_to(name, address):
    return gdb.Value(int(address)).cast(struct(name).pointer())


def symbol_at(address):
    """The demangled name of a function or object, or None."""
    text = gdb.execute(f"info symbol {int(address):#x}", to_string=True)
    if text.startswith("No symbol"):
        return None
    return re.sub(r"( \+ \d+)? in section .*", "", text.strip(), flags=re.DOTALL)


def text_of(string):
    """A std::string."""
    data = string["_M_dataplus"]["_M_p"]
    size = int(string["_M_string_length"])
    return data.string(errors="replace", length=min(size, 4096)) if size != 0 else ""


def place(location):
    """A std::source_location: " at FILE:LINE in 'FUNCTION'", or nothing."""
    where = location["_M_impl"]
    if int(where) == 0 or int(where["_M_line"]) == 0:
        return ""
    return f" at {where['_M_file_name'].string()}:{int(where['_M_line'])} in '{where['_M_function_name'].string()}'"


def elements(links_of, first):
    """Of an intrusive list."""
    at = first
    for _ in range(MOST_NODES):
        if int(at) == 0:
            return
        yield at
        at = links_of(at)["next"]


def next_listener(node):
    return node["links"]


class Wait:
    """A coroutine that waits."""

    def __init__(self, frame, env, kind):
        self.frame = int(frame["_M_fr_ptr"])
        self.env = env
        self.kind = kind
        info = env["info"] if int(env) != 0 else None
        self.task = int(info["id"]) if info is not None and int(info) != 0 else 0

    def functions(self):
        """Of the waiting coroutine and of those that await it, and the role of the outermost one."""
        found = []
        frame = self.frame
        promise = promise_of(frame)
        found.append(resume_function(frame))
        if int(promise["env_"]) != int(self.env):
            return found, ""
        while len(found) < LONGEST_CHAIN:
            continuation = int(promise["continuation_"])
            address, tag = continuation & ~3, continuation & 3
            if tag == 3:
                return found, role_of(address)
            if tag == 2:
                frame = address
                known = int(promise["weight_"]) != 0
            else:
                join = pointer_to("detail::join", address)
                frame = int(join["parent_"])
                known = int(promise_of(frame)["env_"]) == int(join["parent_env_"])
            found.append(resume_function(frame))
            if not known:
                break
            promise = promise_of(frame)
        return found, ""

    def text(self):
        line = f"waits: {self.kind}"
        try:
            functions, role = self.functions()
        except gdb.MemoryError:
            return line + ", in a coroutine whose frame is damaged"
        before = ", in "
        for function in functions:
            name = coroutine_name(function)
            if of_library(name):
                continue
            line += before + name
            before = ", awaited by "
        return line + role


def promise_of(frame):
    return pointer_to("detail::promise_base", frame + 16)


def resume_function(frame):
    return int(gdb.Value(frame).cast(gdb.lookup_type("unsigned long").pointer()).dereference())


def coroutine_name(function):
    name = symbol_at(function)
    if name is None:
        return f"a coroutine at {function:#x}"
    if "Frame*" in name:  # of g++: the parameter of its function is the frame
        return re.split(r"\((?!anonymous namespace)", name)[0]
    return re.sub(r" ?\[clone .*|\.resume.*", "", name)


def of_library(name):
    return "cadre::detail::" in name.split("(")[0] or name.startswith("_ZN5cadre") or "cadre::scope::run_child" in name


def role_of(completion):
    done = symbol_at(pointer_to("detail::completion", completion)["done"]) or ""
    if "scope::on_child_end" not in done:
        return ""
    scope = pointer_to("scope::end_of_child", completion)["owner"]
    return ", a task of the scope made" + place(scope["where_"])


def wait_of(listener):
    """The wait of a listener of a stop state, or None."""
    fire = symbol_at(listener["fire"]) or ""
    if "waiter::on_stop" in fire:
        waiter = listener.cast(struct("detail::waiter::node").pointer())["self"]
        kind = str(waiter["kind_"]).rsplit("::", 1)[-1]
        return Wait(waiter["handle_"], waiter["env"], kind)
    if "select_core::on_stop" in fire:
        core = listener.cast(struct("detail::select_core::listener").pointer())["self"]
        return Wait(core["handle_"], core["env"], "select")
    if "asio_wait::on_stop" in fire:
        wait = listener.cast(struct("detail::asio_wait::stop_listener").pointer())["self"]
        return Wait(wait["task_"], wait["env"], "foreign")
    return None


def waits_below(state):
    """The waits of the listeners of a stop state and of those below it."""
    states, seen = [state], set()
    while states:
        at = states.pop()
        if int(at) == 0 or int(at) in seen or not bool(at["materialised_"]):
            continue
        seen.add(int(at))
        for node in elements(next_listener, at["listening_"]["nodes"]["head_"]):
            fire = symbol_at(node["fire"]) or ""
            if "stop_state::fire_link" in fire or "stop_state::ignore_request" in fire:
                states.append(node.cast(struct("detail::stop_state::link_node").pointer())["self"])
            else:
                wait = wait_of(node)
                if wait is not None and wait.frame != 0:
                    yield wait


class Task:
    """A main task, a call or a job."""

    def __init__(self, root, executor):
        self.id = int(root["id"])
        self.starter = int(root["starter"])
        self.name = text_of(root["name"].dereference()) if int(root["name"]) != 0 else ""
        self.executor = executor
        self.where = place(root["where"])
        self.stop = root["stop"]
        self.waits = []

    def print(self, children, indent):
        margin = " " * indent
        name = f" '{self.name}'" if self.name else ""
        below = children.pop(self.id, []) if self.id != 0 else []
        if self.waits:
            state = "waits"
        elif below:
            state = "waits for the tasks below, runs, or is ready"
        else:
            state = "runs, is ready, or is in another process"
        print(f"{margin}task{id_text(self.id)}{name} on {self.executor}: {state}")
        for line in sorted(wait.text() for wait in self.waits):
            print(f"{margin}    {line}")
        if self.where:
            print(f"{margin}    started{self.where}")
        elif self.starter != 0 and self.starter != self.id:
            print(f"{margin}    started by task{id_text(self.starter)}")
        for child in below:
            child.print(children, indent + 2)


def id_text(number):
    if number == 0:
        return ""
    maker, count = number >> 40, number & ((1 << 40) - 1)
    return f" #{count}" if maker == gdb.selected_inferior().pid else f" #{maker}.{count}"


def backends():
    symbol = gdb.lookup_global_symbol("cadre::detail::known_backends")
    if symbol is None:
        raise gdb.error("no symbol cadre::detail::known_backends")
    known = symbol.value()
    if int(known) == 0:
        return
    data = known["_M_impl"]
    at = data["_M_start"]
    while int(at) != int(data["_M_finish"]):
        yield at.dereference()
        at += 1


def class_name(backend):
    table = gdb.Value(int(backend)).cast(gdb.lookup_type("void").pointer().pointer()).dereference()
    name = symbol_at(table) or "an executor"
    return name.replace("vtable for ", "").rsplit("::", 1)[-1]


def live_tasks():
    tasks = []
    for backend in backends():
        executor = class_name(backend)
        own = [Task(root, executor) for root in elements(next_listener, backend["registry_"]["roots_"]["head_"])]
        by_id = {task.id: task for task in own}
        seen = set()  # a state may be listed with several tasks
        for task in own:
            for wait in waits_below(task.stop):
                if wait.frame not in seen and wait.task in by_id:
                    seen.add(wait.frame)
                    by_id[wait.task].waits.append(wait)
        tasks += own
    return sorted(tasks, key=lambda task: task.id)


class CadreCommand(gdb.Command):
    """cadre: about a program that uses the library cadre."""

    def __init__(self):
        super().__init__("cadre", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class CadreTasks(gdb.Command):
    """cadre tasks: the live tasks, what each waits for, and where it was started."""

    def __init__(self):
        super().__init__("cadre tasks", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        try:
            tasks = live_tasks()
        except gdb.error as error:
            raise gdb.GdbError(f"cadre tasks: {error}. Is this a program that uses cadre, not stripped, and is its "
                               "memory there (a process or a core file)?")
        print(f"cadre: {len(tasks)} task{'' if len(tasks) == 1 else 's'}")
        known = {task.id for task in tasks}
        children = {}
        outermost = []
        for task in tasks:
            below = task.starter != task.id and task.starter in known
            (children.setdefault(task.starter, []) if below else outermost).append(task)
        for task in outermost:
            task.print(children, 2)


CadreCommand()
CadreTasks()

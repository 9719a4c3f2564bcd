import os

import sqlalchemy
from serve import serve, untraced
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import relationship, sessionmaker
from sqlalchemy.pool import StaticPool

try:
    from sqlalchemy.orm import declarative_base
except ImportError:  # until 1.3
    from sqlalchemy.ext.declarative import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))
    password = Column(String(20))
    orders = relationship("Order")


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    user_id = Column(Integer, ForeignKey("users.id"))


engines = [
    create_engine("sqlite:///:memory:", poolclass=StaticPool, connect_args={"check_same_thread": False}),
    create_engine("postgresql+psycopg2://postgres@127.0.0.1:%s/postgres" % os.environ["QA_PORT"], poolclass=StaticPool),
]


def connect():
    for engine in engines:
        engine.connect().close()


def work(say):
    for engine in engines:
        talk(say, engine)


def talk(say, engine):
    connection = engine.connect()
    transaction = connection.begin()
    User.__table__.create(connection)
    Order.__table__.create(connection)
    session = sessionmaker(bind=connection)()
    session.add(User(id=1, name="ann", password="hunter2"))
    session.flush()
    session.add(Order(id=1, user_id=1))
    session.add(Order(id=2, user_id=1))
    session.flush()
    session.expire_all()
    user = session.query(User).filter_by(password="hunter2").one()
    say(user.name, sorted(order.id for order in user.orders))
    say(session.query(Order.id, User.name).join(User, User.id == Order.user_id).filter(Order.id == 2).all()[0][1])
    say(session.query(Order).filter(Order.user_id == 1).delete(synchronize_session=False))
    say(connection.execute(sqlalchemy.text("SELECT count(*) FROM users")).scalar())
    try:
        connection.execute(sqlalchemy.Table("missing", sqlalchemy.MetaData(), Column("id", Integer)).select())
    except DBAPIError as error:
        say(type(error).__name__)
    session.close()
    transaction.rollback()
    cursor = connection.connection.cursor()  # the driver's
    cursor.execute("SELECT 1")
    say(cursor.fetchone()[0])
    cursor.close()
    connection.close()


untraced(connect)
serve(work)
